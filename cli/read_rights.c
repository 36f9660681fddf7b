#include "cli/read_rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_AND_SEARCH (1u << CAP_DAC_READ_SEARCH)

int read_rights_keep(struct err *e)
{
	if (geteuid() == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_errno(e, "prctl", "PR_SET_KEEPCAPS");
	return 0;
}

int read_rights_limit(struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (geteuid() == 0 || prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) != 1)
		return 0;
	if (syscall(SYS_capget, &header, data) < 0)
		return err_errno(e, "capget", "self");
	uint32_t kept = data[0].permitted & READ_AND_SEARCH;

	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i] = (struct __user_cap_data_struct){ 0 };
	data[0].permitted = data[0].effective = kept;
	if (syscall(SYS_capset, &header, data) < 0)
		return err_errno(e, "capset", "self");
	return 0;
}
