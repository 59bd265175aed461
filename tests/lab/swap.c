/* swap.c - exchanges two names for ever: swap A B. What is a directory for one system call is a symlink for the next. */
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (;;)
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0)
			; /* the host is at work on them: again */
}
