#include "meta/schema.h"

#include "base/mem.h"

#include <string.h>

/* The Makefile writes each schema/NAME.sql as one string literal to schema/NAME.inc in the build folder. */

static const struct migration capture[] = {
	{ 1,
#include "schema/0001_capture.inc"
	},
	{ 2,
#include "schema/0002_capture_relocation.inc"
	},
	{ 3,
#include "schema/0003_capture_reconcile.inc"
	},
	{ 4,
#include "schema/0004_capture_partitions.inc"
	},
	{ 5,
#include "schema/0005_capture_mta.inc"
	},
	{ 6,
#include "schema/0006_capture_import.inc"
	},
	{ 7,
#include "schema/0007_capture_mta_pid.inc"
	},
	{ 8,
#include "schema/0008_capture_lifecycle.inc"
	},
	{ 9,
#include "schema/0009_capture_hold.inc"
	},
	{ 10,
#include "schema/0010_capture_reached.inc"
	},
	{ 11,
#include "schema/0011_capture_disposed.inc"
	},
	{ 12,
#include "schema/0012_capture_keep_gate.inc"
	},
	{ 13,
#include "schema/0013_capture_account_disposed.inc"
	},
};

static const struct migration control[] = {
	{ 1,
#include "schema/0001_control.inc"
	},
	{ 2,
#include "schema/0002_control_roles.inc"
	},
	{ 3,
#include "schema/0003_control_tries.inc"
	},
	{ 4,
#include "schema/0004_control_mailboxes.inc"
	},
	{ 5,
#include "schema/0005_control_rate.inc"
	},
	{ 6,
#include "schema/0006_control_signin.inc"
	},
	{ 7,
#include "schema/0007_control_export.inc"
	},
	{ 8,
#include "schema/0008_control_access.inc"
	},
	{ 9,
#include "schema/0009_control_session.inc"
	},
	{ 10,
#include "schema/0010_control_retention.inc"
	},
	{ 11,
#include "schema/0011_control_hold.inc"
	},
	{ 12,
#include "schema/0012_control_audit_ledger.inc"
	},
	{ 13,
#include "schema/0013_control_factor.inc"
	},
	{ 14,
#include "schema/0014_control_saved_search.inc"
	},
	{ 15,
#include "schema/0015_control_audit_forward.inc"
	},
	{ 16,
#include "schema/0016_control_case.inc"
	},
	{ 17,
#include "schema/0017_control_case_parts.inc"
	},
	{ 18,
#include "schema/0018_control_identity.inc"
	},
	{ 19,
#include "schema/0019_control_disposition.inc"
	},
	{ 20,
#include "schema/0020_control_directory.inc"
	},
	{ 21,
#include "schema/0021_control_enrolment.inc"
	},
};

const struct migration *schema_migrations(const char *name, size_t *n_r)
{
	if (strcmp(name, "capture") == 0) {
		*n_r = ARRAY_LEN(capture);
		return capture;
	}
	*n_r = ARRAY_LEN(control);
	return control;
}
