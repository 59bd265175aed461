/* conrace.c - a jail's root writes to the console pipe and reads it back itself, so that whoever polls it finds nothing there. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void *reader(void *arg)
{
	int fd = open("/proc/1/fd/1", O_RDONLY | O_NONBLOCK);
	char c[512];

	(void)arg;
	for (;;)
		(void)!read(fd, c, sizeof(c));
}

int main(void)
{
	int fd = open("/proc/1/fd/1", O_WRONLY | O_NONBLOCK);
	pthread_t t;

	if (fd < 0)
		return 1;
	for (int i = 0; i < 2; i++)
		pthread_create(&t, NULL, reader, NULL);
	for (;;) {
		(void)!write(fd, "x", 1);
		usleep(10);
	}
}
