/* https_url: is a text an address that something secret may be sent to? */
#ifndef SYS_HTTPS_URL_H
#define SYS_HTTPS_URL_H

#include <stdbool.h>

/* "https://", a host, and whatever else, in printable ASCII; without a user name, and without a fragment. */
bool https_url_good(const char *url);

/* The same without a query: an address that others can be made from by writing on. */
bool https_url_plain(const char *url);

#endif
