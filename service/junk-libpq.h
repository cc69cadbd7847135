#ifndef JUNK_LIBPQ_H
#define JUNK_LIBPQ_H

#include <libpq-fe.h>

/* libpq, the client of PostgreSQL, which is loaded for the first connection: one
   host without a cluster doesn't need it. */

#define JUNK_LIBPQ_FUNCTIONS(F) \
	F(PQclear) \
	F(PQconnectPoll) \
	F(PQconnectdb) \
	F(PQconnectStart) \
	F(PQconsumeInput) \
	F(PQerrorMessage) \
	F(PQexec) \
	F(PQfinish) \
	F(PQflush) \
	F(PQgetlength) \
	F(PQgetResult) \
	F(PQgetvalue) \
	F(PQisBusy) \
	F(PQntuples) \
	F(PQresultErrorField) \
	F(PQresultErrorMessage) \
	F(PQresultStatus) \
	F(PQsendQueryParams) \
	F(PQsetnonblocking) \
	F(PQsocket) \
	F(PQstatus)

/* The library's functions under their own names. */
struct junk_libpq {
#define JUNK_LIBPQ_MEMBER(name) typeof(&name) name;
	JUNK_LIBPQ_FUNCTIONS(JUNK_LIBPQ_MEMBER)
};

/* Load the library. Returns NULL and error_r if this fails. */
const struct junk_libpq *junk_libpq_get(const char **error_r);

#endif
