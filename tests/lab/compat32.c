/* compat32.c - a 32-bit program without a libc: makes sockets by socketcall(2) and by their own calls, through int 0x80. */

/*
 * gcc -m32 -nostdlib -ffreestanding, so that no 32-bit library is needed. compat32 WHAT prints what came of it: a line from
 * 192.0.2.254:7777, "OK", or "E" and the errno.
 */
enum { SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_socketcall = 102, SYS_socket = 359, SYS_connect = 362 };
enum {
	CALL_SOCKET = 1,
	CALL_BIND = 2,
	CALL_CONNECT = 3,
	CALL_LISTEN = 4,
	CALL_ACCEPT = 5,
	CALL_NAME = 6,
	CALL_PAIR = 8
};
enum { AF_UNIX = 1, AF_INET = 2, AF_VSOCK = 40, SOCK_STREAM = 1 };

struct name {
	unsigned short family;
	unsigned char port[2], addr[4], pad[8];
};

static int call(int nr, long a, long b, long c)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return r;
}

static int socketcall(int which, long a, long b, long c)
{
	long args[3] = { a, b, c };

	return call(SYS_socketcall, which, (long)args, 0);
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static void say(int r)
{
	char line[16];
	int n = sizeof(line);

	if (r >= 0) {
		call(SYS_write, 1, (long)"OK\n", 3);
		return;
	}
	line[--n] = '\n';
	for (r = -r; r; r /= 10)
		line[--n] = (char)('0' + r % 10);
	line[--n] = 'E';
	call(SYS_write, 1, (long)(line + n), (long)sizeof(line) - n);
}

static void hear(int s, int (*do_connect)(int s, const struct name *to))
{
	static const struct name to = { .family = AF_INET,
		                        .port = { 7777 >> 8, 7777 & 0xff },
		                        .addr = { 192, 0, 2, 254 } };
	char buf[128];
	int r = s < 0 ? s : do_connect(s, &to);

	if (r == 0)
		r = call(SYS_read, s, (long)buf, sizeof(buf));
	if (r > 0)
		call(SYS_write, 1, (long)buf, r);
	else
		say(r);
}

static int connect_old(int s, const struct name *to)
{
	return socketcall(CALL_CONNECT, s, (long)to, sizeof(*to));
}

static int connect_new(int s, const struct name *to)
{
	return call(SYS_connect, s, (long)to, sizeof(*to));
}

/* The wildcard, port 80: shows the name it got as four numbers, which is the jail's address. */
static int serve(void)
{
	struct name at = { .family = AF_INET, .port = { 0, 80 } };
	int s = socketcall(CALL_SOCKET, AF_INET, SOCK_STREAM, 0), r, len = sizeof(at);

	r = s < 0 ? s : socketcall(CALL_BIND, s, (long)&at, sizeof(at));
	if (r == 0)
		r = socketcall(CALL_LISTEN, s, 5, 0);
	if (r == 0)
		r = socketcall(CALL_NAME, s, (long)&at, (long)&len);
	if (r == 0 && (at.addr[0] != 192 || at.addr[3] != 10 || at.port[1] != 80))
		r = -99;
	return r;
}

__attribute__((used)) static void run(char **argv)
{
	const char *what = argv[1] ? argv[1] : "";

	if (same(what, "old"))
		hear(socketcall(CALL_SOCKET, AF_INET, SOCK_STREAM, 0), connect_old);
	else if (same(what, "new"))
		hear(call(SYS_socket, AF_INET, SOCK_STREAM, 0), connect_new);
	else if (same(what, "serve"))
		say(serve());
	else if (same(what, "unix"))
		say(socketcall(CALL_SOCKET, AF_UNIX, SOCK_STREAM, 0));
	else if (same(what, "newunix"))
		say(call(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	else if (same(what, "pair"))
		say(socketcall(CALL_PAIR, AF_UNIX, SOCK_STREAM, 0));
	else if (same(what, "vsock"))
		say(socketcall(CALL_SOCKET, AF_VSOCK, SOCK_STREAM, 0));
	else if (same(what, "newvsock"))
		say(call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0));
	else if (same(what, "fault"))
		say(call(SYS_socketcall, CALL_SOCKET, 16, 0));
	call(SYS_exit, 0, 0, 0);
}

/* The stack as the kernel leaves it: argc, then argv. */
__asm__(".globl _start\n_start:\n\tlea 4(%esp), %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\tcall run\n");
