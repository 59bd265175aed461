/* err.c - fills the error object of err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static int fill(struct err *e, enum err_class cls, int code, const char *fmt,
                                                      va_list ap)
{
	if (code <= 0)
		code = EIO;
	if (e) {
		/* the arguments may point into e->msg itself, so format beside it */
		char tmp[sizeof(e->msg)];

		vsnprintf(tmp, sizeof(tmp), fmt, ap);
		memcpy(e->msg, tmp, sizeof(tmp));
		e->code = code;
		e->cls = cls;
	}
	return -code;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = fill(e, ERR_FAIL, code, fmt, ap);
	va_end(ap);
	return r;
}

int err_class(struct err *e, enum err_class cls, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = fill(e, cls, code, fmt, ap);
	va_end(ap);
	return r;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = fill(e, ERR_FAIL, code, fmt, ap);
	va_end(ap);
	if (e) {
		size_t len = strlen(e->msg);

		snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", strerror(-r));
	}
	errno = code;
	return r;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char ctx[256], tmp[sizeof(e->msg) + sizeof(ctx) + 2];
	va_list ap;

	if (!e)
		return -EIO;
	va_start(ap, fmt);
	vsnprintf(ctx, sizeof(ctx), fmt, ap);
	va_end(ap);
	snprintf(tmp, sizeof(tmp), "%s: %s", ctx, e->msg);
	tmp[sizeof(e->msg) - 1] = '\0';
	memcpy(e->msg, tmp, sizeof(e->msg));
	return -(e->code > 0 ? e->code : EIO);
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (!e)
		return -EIO;
	len = strlen(e->msg);
	if (len && len + 1 < sizeof(e->msg))
		e->msg[len++] = '\n';
	va_start(ap, fmt);
	vsnprintf(e->msg + len, sizeof(e->msg) - len, fmt, ap);
	va_end(ap);
	return -(e->code > 0 ? e->code : EIO);
}

int err_oom(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}
