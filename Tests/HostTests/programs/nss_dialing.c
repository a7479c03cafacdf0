// A module of libc's name service switch that connects to $DIAL_PORT, as those of LDAP and their like do, and answers 10.7.7.7 to everything.
#include "dial.h"
#include <netdb.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>

enum nss_status _nss_dialing_gethostbyname4_r(const char *name, struct gaih_addrtuple **found, char *buffer, size_t size, int *number, int *error, int *ttl) {
    (void)name, (void)number, (void)ttl;
    if (dial(atoi(getenv("DIAL_PORT")))) return NSS_STATUS_UNAVAIL;
    if (size < sizeof **found) return NSS_STATUS_TRYAGAIN;
    struct gaih_addrtuple *answer = *found ? *found : (struct gaih_addrtuple *)buffer;
    memset(answer, 0, sizeof *answer);
    answer->family = AF_INET;
    answer->addr[0] = htonl(0x0a070707);
    *found = answer;
    *error = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_dialing_gethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer, size_t size, int *number, int *error) {
    (void)number;
    if (dial(atoi(getenv("DIAL_PORT"))) || size < 64) return NSS_STATUS_UNAVAIL;
    if (family != AF_INET) return NSS_STATUS_NOTFOUND;
    char **list = (char **)buffer;
    struct in_addr *address = (struct in_addr *)(buffer + 32);
    address->s_addr = htonl(0x0a070707);
    list[0] = (char *)address, list[1] = NULL, list[2] = NULL;
    *host = (struct hostent){.h_name = (char *)name, .h_aliases = list + 2, .h_addrtype = AF_INET, .h_length = 4, .h_addr_list = list};
    *error = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}
