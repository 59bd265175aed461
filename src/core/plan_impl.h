/* plan_impl.h - between the files that build the plan of `start`; nobody else includes it. */
#ifndef IOCAGE_CORE_PLAN_IMPL_H
#define IOCAGE_CORE_PLAN_IMPL_H

#include "core/plan.h"

/* A step whose trace goes with the jail itself: no inverse. */
void plan_add_plain(struct plan *p, enum phase ph, const struct op *redo);

/* Root file system, /dev and friends, and the lines of the jail's fstab. */
must_check int plan_mounts(struct plan *p, const struct jail *j, const struct root_source *root, struct err *e);

/* Shared IP. Aliases on the host come before the jail; the view and the hold when it is there. */
must_check int plan_shared_aliases(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
must_check int plan_shared_view(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);

/* VNET. Missing bridges come before the jail; pairs, addresses and routes when it is there. */
must_check int plan_vnet_bridges(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
must_check int plan_vnet_links(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);

#endif
