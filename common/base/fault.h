/* fault: named places where a test makes the process fail. Nothing of it is in a release build.
 *
 * Built with -DSTRONGROOM_FAULTS, the environment variable STRONGROOM_FAULT holds `name=action[@count]`, several with
 * commas: action `kill` (SIGKILL to itself), `fail` (the macro is true: the caller fails as if the operation had) or
 * `stall` (sleeps 30 s); with @count only the count-th passage acts. The names are one a boundary of the order of
 * writes; tests/e2e enumerates them with `grep -rho 'FAULT("[^"]*")'`. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#ifdef STRONGROOM_FAULTS
bool fault_hit(const char *name);
#define FAULT(name) fault_hit(name)
#else
#define FAULT(name) false
#endif

#endif
