/* analyzer.h - for clang-tidy only: tells the analyzer what err.h promises, that the err_* functions return a negative. */
#include "base/err.h"

static inline int analyzer_negative(int r)
{
	if (r >= 0)
		__builtin_unreachable();
	return r;
}

#define err_set(...) analyzer_negative(err_set(__VA_ARGS__))
#define err_class(...) analyzer_negative(err_class(__VA_ARGS__))
#define err_sys(...) analyzer_negative(err_sys(__VA_ARGS__))
#define err_wrap(...) analyzer_negative(err_wrap(__VA_ARGS__))
#define err_hint(...) analyzer_negative(err_hint(__VA_ARGS__))
#define err_oom(...) analyzer_negative(err_oom(__VA_ARGS__))
