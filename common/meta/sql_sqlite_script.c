#include "meta/sql_sqlite_script.h"

#include "base/mem.h"

#include <string.h>

/* Blanks out the marks, so that what stands between them is read. */
static void unmark(char *text)
{
	static const char mark[] = "/*sqlite ";

	while ((text = strstr(text, mark))) {
		memset(text, ' ', sizeof(mark) - 1);
		text = strstr(text, "*/");
		if (!text)
			return;
		memset(text, ' ', 2);
	}
}

int sqlite_script(sqlite3 *db, const char *text)
{
	_free_ char *plain = mem_strdup(text);

	unmark(plain);
	return sqlite3_exec(db, plain, NULL, NULL, NULL);
}
