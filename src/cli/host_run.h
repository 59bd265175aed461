/* host_run.h - plans about the host's own network, each kind with a journal of its own. */
#ifndef IOCAGE_CLI_HOST_RUN_H
#define IOCAGE_CLI_HOST_RUN_H

#include "core/plan.h"
#include "store/store.h"

/* Carry the plan out with the journal `name`; all or nothing. *ret_stuck: how much could not be taken back. */
must_check int host_plan_run(struct store *st, const char *name, const struct plan *p, const struct backend *b,
                             size_t *ret_stuck, struct err *e);
/* Take back what the journal lists, last to first; what could not be stays in it. */
must_check int host_plan_undo(struct store *st, const char *name, const struct journal *j, const struct backend *b,
                              struct err *e);

#endif
