/* The shared log in PostgreSQL. See junk-log.h.

   Order: an append locks the only row of junk_head until its commit, so records
   become visible in the order of their numbers, and no number is missing. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "hex-binary.h"
#include "ioloop.h"
#include "str.h"
#include "junk-libpq.h"
#include "junk-log.h"

/* A request that takes longer has failed: the server or the network hangs. */
#define REQUEST_MSECS 10000
#define RECONNECT_MSECS 1000
#define LOG_FORMAT 2

/* OIDs of PostgreSQL's built-in types */
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_BYTEA_ARRAY 1001

#define SQL_HOUR \
	"greatest(hour, floor(extract(epoch FROM now()) / 3600)::bigint * 3600)"

enum log_request {
	REQUEST_NONE,
	REQUEST_CONNECT,
	REQUEST_HEAD,
	REQUEST_READ,
	REQUEST_APPEND,
};

struct junk_log {
	const struct junk_libpq *pq;
	char *conninfo;
	unsigned char check[JUNK_LOG_CHECK_BYTES];
	const struct junk_log_callbacks *callbacks;
	void *context;

	PGconn *conn;
	enum log_request request;
	/* the first part of the answer to the request */
	PGresult *result;
	bool ready;
	struct io *io;
	enum io_condition io_condition;
	struct timeout *to;
};

static const char sql_create[] =
	"CREATE TABLE junk_head ("
	" one boolean PRIMARY KEY CHECK (one),"
	" format integer NOT NULL,"
	" cluster uuid NOT NULL,"
	" key_check bytea NOT NULL,"
	" seq bigint NOT NULL,"
	" hour bigint NOT NULL,"
	" expired bigint NOT NULL,"
	" checkpoint bigint NOT NULL,"
	" checkpoint_time timestamptz NOT NULL);"
	"CREATE TABLE junk_log ("
	" seq bigint PRIMARY KEY,"
	" hour bigint NOT NULL,"
	" sealed bytea NOT NULL);"
	"INSERT INTO junk_head VALUES"
	" (true, %d, gen_random_uuid(), '\\x%s', 0, 0, 0, 0, now())";

static const char sql_head[] =
	"SELECT cluster::text, seq, "
	"(SELECT coalesce(min(log.seq), junk_head.seq + 1) FROM junk_log log) "
	"FROM junk_head "
	"WHERE format = $1 AND key_check = $2";

static const char sql_read[] =
	"SELECT seq, hour, sealed FROM junk_log WHERE seq > $1 "
	"ORDER BY seq LIMIT $2";

static const char sql_append[] =
	"WITH head AS (UPDATE junk_head SET seq = seq + $1, hour = "SQL_HOUR" "
	"RETURNING seq, hour) "
	"INSERT INTO junk_log (seq, hour, sealed) "
	"SELECT head.seq - $1 + record.number, head.hour, record.sealed "
	"FROM head, unnest($2) WITH ORDINALITY AS record (sealed, number) "
	"RETURNING seq";

static const char sql_checkpoint[] =
	"WITH head AS (UPDATE junk_head SET seq = seq + 1, hour = "SQL_HOUR", "
	"checkpoint = seq + 1, checkpoint_time = now() "
	"WHERE seq > checkpoint AND (seq - checkpoint >= $1 OR "
	"extract(epoch FROM now() - checkpoint_time) >= $2) "
	"RETURNING seq, hour) "
	"INSERT INTO junk_log (seq, hour, sealed) "
	"SELECT seq, hour, $3 FROM head RETURNING seq";

static const char sql_expire[] =
	"WITH head AS (UPDATE junk_head SET seq = seq + 1, hour = "SQL_HOUR", "
	"expired = $1 WHERE expired < $1 AND $1 <= "SQL_HOUR" - $2 "
	"RETURNING seq, hour), "
	"gone AS (DELETE FROM junk_log WHERE hour < $1 AND "
	"EXISTS (SELECT FROM head)) "
	"INSERT INTO junk_log (seq, hour, sealed) "
	"SELECT seq, hour, $3 FROM head RETURNING seq";

static void log_connect(struct junk_log *log);
static void log_input(struct junk_log *log);

/* --- errors --- */

static const char *one_line(const char *error)
{
	string_t *line = t_str_new(128);

	for (; *error != '\0'; error++)
		str_append_c(line, *error == '\n' ? ' ' : *error);
	while (str_len(line) > 0 && str_c(line)[str_len(line) - 1] == ' ')
		str_truncate(line, str_len(line) - 1);
	return str_c(line);
}

static void log_disconnect(struct junk_log *log)
{
	/* libpq closes the socket itself when the server has gone */
	if (log->conn != NULL && log->pq->PQsocket(log->conn) == -1)
		io_remove_closed(&log->io);
	io_remove(&log->io);
	timeout_remove(&log->to);
	log->pq->PQclear(log->result);
	log->result = NULL;
	if (log->conn != NULL)
		log->pq->PQfinish(log->conn);
	log->conn = NULL;
	log->request = REQUEST_NONE;
	log->ready = FALSE;
}

static void log_fail(struct junk_log *log, const char *error)
{
	/* the connection has the text */
	error = t_strdup_printf("junk_feedback_cluster: %s", one_line(error));
	log_disconnect(log);
	log->to = timeout_add(RECONNECT_MSECS, log_connect, log);
	log->callbacks->failed(error, log->context);
}

static void log_timeout(struct junk_log *log)
{
	log_fail(log, "PostgreSQL doesn't answer");
}

/* --- requests --- */

static void log_begin(struct junk_log *log, enum log_request request)
{
	log->request = request;
	timeout_remove(&log->to);
	log->to = timeout_add(REQUEST_MSECS, log_timeout, log);
}

static void log_wait(struct junk_log *log, enum io_condition condition)
{
	if (log->io != NULL && log->io_condition == condition)
		return;
	io_remove(&log->io);
	log->io_condition = condition;
	log->io = io_add(log->pq->PQsocket(log->conn), condition, log_input,
			 log);
}

/* Send what is queued. libpq reads while it sends, or both sides could wait for
   each other. */
static void log_flush(struct junk_log *log)
{
	int ret = log->pq->PQflush(log->conn);

	if (ret < 0)
		log_fail(log, log->pq->PQerrorMessage(log->conn));
	else
		log_wait(log, ret > 0 ? IO_READ | IO_WRITE : IO_READ);
}

struct log_params {
	unsigned int count;
	Oid types[3];
	const char *values[3];
	int lengths[3], formats[3];
};

static void
params_add(struct log_params *params, Oid type, const void *value, size_t size)
{
	const unsigned int i = params->count++;

	i_assert(i < N_ELEMENTS(params->types) && size <= INT_MAX);
	params->types[i] = type;
	params->values[i] = value;
	params->lengths[i] = (int)size;
	params->formats[i] = 1;
}

static void params_add_int(struct log_params *params, int64_t value)
{
	unsigned char *data = t_malloc_no0(8);

	cpu64_to_be_unaligned((uint64_t)value, data);
	params_add(params, OID_INT8, data, 8);
}

static void
log_send(struct junk_log *log, enum log_request request, const char *sql,
	 const struct log_params *params)
{
	log_begin(log, request);
	if (log->pq->PQsendQueryParams(log->conn, sql, (int)params->count,
				       params->types, params->values,
				       params->lengths, params->formats,
				       1) == 0)
		log_fail(log, log->pq->PQerrorMessage(log->conn));
	else
		log_flush(log);
}

static void log_ask_head(struct junk_log *log)
{
	struct log_params params;

	i_zero(&params);
	params_add_int(&params, LOG_FORMAT);
	params_add(&params, OID_BYTEA, log->check, sizeof(log->check));
	log_send(log, REQUEST_HEAD, sql_head, &params);
}

bool junk_log_is_ready(const struct junk_log *log)
{
	return log->ready && log->request == REQUEST_NONE;
}

void junk_log_read(struct junk_log *log, int64_t after_seq)
{
	struct log_params params;

	i_assert(junk_log_is_ready(log));
	i_zero(&params);
	params_add_int(&params, after_seq);
	params_add_int(&params, JUNK_LOG_READ_RECORDS);
	log_send(log, REQUEST_READ, sql_read, &params);
}

static void append_be32(buffer_t *dest, size_t value)
{
	unsigned char data[4];

	cpu32_to_be_unaligned((uint32_t)value, data);
	buffer_append(dest, data, sizeof(data));
}

void junk_log_append(struct junk_log *log, const struct junk_log_record *records,
		     unsigned int count)
{
	buffer_t *array = buffer_create_dynamic(default_pool, 64*1024);
	struct log_params params;

	i_assert(junk_log_is_ready(log) && count > 0);
	/* the binary format of an array: dimensions, no NULLs, type, length,
	   first index, elements */
	append_be32(array, 1);
	append_be32(array, 0);
	append_be32(array, OID_BYTEA);
	append_be32(array, count);
	append_be32(array, 1);
	for (unsigned int i = 0; i < count; i++) {
		i_assert(records[i].size <= JUNK_LOG_MAX_BYTES);
		append_be32(array, records[i].size);
		buffer_append(array, records[i].sealed, records[i].size);
	}
	i_zero(&params);
	params_add_int(&params, count);
	params_add(&params, OID_BYTEA_ARRAY, array->data, array->used);
	log_send(log, REQUEST_APPEND, sql_append, &params);
	buffer_free(&array);
}

/* Append a record if a condition on two numbers is true. */
static void
log_append_if(struct junk_log *log, const char *sql, int64_t number1,
	      int64_t number2, const struct junk_log_record *record)
{
	struct log_params params;

	i_assert(junk_log_is_ready(log));
	i_zero(&params);
	params_add_int(&params, number1);
	params_add_int(&params, number2);
	params_add(&params, OID_BYTEA, record->sealed, record->size);
	log_send(log, REQUEST_APPEND, sql, &params);
}

void junk_log_append_checkpoint(struct junk_log *log,
				const struct junk_log_record *record,
				unsigned int min_records,
				unsigned int min_secs)
{
	log_append_if(log, sql_checkpoint, min_records, min_secs, record);
}

void junk_log_append_expire(struct junk_log *log,
			    const struct junk_log_record *record,
			    int64_t before, int64_t keep_secs)
{
	log_append_if(log, sql_expire, before, keep_secs, record);
}

/* --- answers --- */

static const void *
result_value(struct junk_log *log, const PGresult *result, int row, int column,
	     int *size_r)
{
	*size_r = log->pq->PQgetlength(result, row, column);
	return log->pq->PQgetvalue(result, row, column);
}

/* Returns a number, -1 if it isn't one. */
static int64_t
result_int(struct junk_log *log, const PGresult *result, int row, int column)
{
	int size;
	const void *value = result_value(log, result, row, column, &size);

	return size != 8 ? -1 : (int64_t)be64_to_cpu_unaligned(value);
}

static void log_got_head(struct junk_log *log, const PGresult *result)
{
	struct junk_log_head head;

	if (log->pq->PQntuples(result) != 1) {
		log_fail(log, "this database belongs to a cluster with another "
			 "key or of another format: copy the key of one of its "
			 "hosts (doveadm junk key export, import)");
		return;
	}
	i_zero(&head);
	head.cluster = log->pq->PQgetvalue(result, 0, 0);
	head.seq = result_int(log, result, 0, 1);
	head.first_seq = result_int(log, result, 0, 2);
	log->ready = TRUE;
	log->callbacks->ready(&head, log->context);
}

static void log_got_records(struct junk_log *log, const PGresult *result)
{
	const int count = log->pq->PQntuples(result);
	struct junk_log_record *records =
		t_new(struct junk_log_record, (unsigned int)count + 1);
	int size;

	for (int i = 0; i < count; i++) {
		records[i].seq = result_int(log, result, i, 0);
		records[i].hour = result_int(log, result, i, 1);
		records[i].sealed = result_value(log, result, i, 2, &size);
		records[i].size = (size_t)size;
	}
	log->callbacks->read(records, (unsigned int)count, log->context);
}

static void log_got_seqs(struct junk_log *log, const PGresult *result)
{
	const int count = log->pq->PQntuples(result);
	int64_t seq = 0;

	for (int i = 0; i < count; i++)
		seq = I_MAX(seq, result_int(log, result, i, 0));
	log->callbacks->appended(seq, log->context);
}

static void
log_handle_result(struct junk_log *log, enum log_request request,
		  const PGresult *result)
{
	switch (request) {
	case REQUEST_HEAD:
		log_got_head(log, result);
		break;
	case REQUEST_READ:
		log_got_records(log, result);
		break;
	case REQUEST_APPEND:
		log_got_seqs(log, result);
		break;
	case REQUEST_NONE:
	case REQUEST_CONNECT:
		i_unreached();
	}
}

static const char *
result_error(struct junk_log *log, const PGresult *result)
{
	const char *state = log->pq->PQresultErrorField(result,
							PG_DIAG_SQLSTATE);

	/* undefined_table */
	if (state != NULL && strcmp(state, "42P01") == 0) {
		return "there is no cluster in this database: begin one with "
			"doveadm junk cluster init";
	}
	return log->pq->PQresultErrorMessage(result);
}

/* The answer is complete, and the transaction is committed. */
static void log_finish_request(struct junk_log *log)
{
	const enum log_request request = log->request;
	PGresult *result = log->result;

	if (result == NULL) {
		log_fail(log, log->pq->PQerrorMessage(log->conn));
		return;
	}
	log->result = NULL;
	log->request = REQUEST_NONE;
	timeout_remove(&log->to);
	log_handle_result(log, request, result);
	log->pq->PQclear(result);
}

/* Add a part of the answer. A second one is an error, e.g. of the commit. Returns
   FALSE if the request has failed. */
static bool log_add_result(struct junk_log *log, PGresult *result)
{
	const bool failed =
		log->pq->PQresultStatus(result) != PGRES_TUPLES_OK;

	if (failed || log->result != NULL) {
		log_fail(log, failed ? result_error(log, result) :
			 "PostgreSQL sends more than one answer");
		log->pq->PQclear(result);
		return FALSE;
	}
	log->result = result;
	return TRUE;
}

/* Read what has arrived of the answer. PQgetResult() would wait for the rest. */
static void log_get_results(struct junk_log *log)
{
	PGresult *result;

	while (log->pq->PQisBusy(log->conn) == 0) {
		result = log->pq->PQgetResult(log->conn);
		if (result == NULL) {
			log_finish_request(log);
			return;
		}
		if (!log_add_result(log, result))
			return;
	}
	log_flush(log);
}

static void log_continue_connect(struct junk_log *log)
{
	/* libpq may close the socket and try the next address */
	io_remove(&log->io);
	switch (log->pq->PQconnectPoll(log->conn)) {
	case PGRES_POLLING_OK:
		if (log->pq->PQsetnonblocking(log->conn, 1) < 0) {
			log_fail(log, log->pq->PQerrorMessage(log->conn));
			break;
		}
		log_ask_head(log);
		break;
	case PGRES_POLLING_READING:
		log_wait(log, IO_READ);
		break;
	case PGRES_POLLING_WRITING:
		log_wait(log, IO_WRITE);
		break;
	default:
		log_fail(log, log->pq->PQerrorMessage(log->conn));
		break;
	}
}

static void log_input(struct junk_log *log)
{
	if (log->request == REQUEST_CONNECT) T_BEGIN {
		log_continue_connect(log);
	} T_END; else T_BEGIN {
		if (log->pq->PQconsumeInput(log->conn) == 0)
			log_fail(log, log->pq->PQerrorMessage(log->conn));
		else if (log->request == REQUEST_NONE)
			; /* a notice, or the server ends the connection */
		else
			log_get_results(log);
	} T_END;
}

/* --- life --- */

static void log_connect(struct junk_log *log)
{
	log_begin(log, REQUEST_CONNECT);
	log->conn = log->pq->PQconnectStart(log->conninfo);
	if (log->conn == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "Out of memory");
	if (log->pq->PQstatus(log->conn) == CONNECTION_BAD) {
		log_fail(log, log->pq->PQerrorMessage(log->conn));
		return;
	}
	log_wait(log, IO_WRITE);
}

static int
log_exec_create(const struct junk_libpq *pq, PGconn *conn,
		const struct junk_log_settings *set, const char **error_r)
{
	const char *sql = t_strdup_printf(sql_create, LOG_FORMAT,
		binary_to_hex(set->check, sizeof(set->check)));
	PGresult *result = pq->PQexec(conn, sql);
	const bool done = pq->PQresultStatus(result) == PGRES_COMMAND_OK;
	const char *state = pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);

	/* duplicate_table */
	if (state != NULL && strcmp(state, "42P07") == 0)
		*error_r = "there is a cluster in this database already";
	else
		*error_r = one_line(pq->PQresultErrorMessage(result));
	pq->PQclear(result);
	return done ? 0 : -1;
}

int junk_log_create(const struct junk_log_settings *set, const char **error_r)
{
	const struct junk_libpq *pq = junk_libpq_get(error_r);
	PGconn *conn;
	int ret = -1;

	if (pq == NULL)
		return -1;
	conn = pq->PQconnectdb(set->conninfo);
	if (pq->PQstatus(conn) == CONNECTION_OK)
		ret = log_exec_create(pq, conn, set, error_r);
	else
		*error_r = one_line(pq->PQerrorMessage(conn));
	pq->PQfinish(conn);
	return ret;
}

struct junk_log *junk_log_init(const struct junk_log_settings *set,
			       const struct junk_log_callbacks *callbacks,
			       void *context, const char **error_r)
{
	const struct junk_libpq *pq = junk_libpq_get(error_r);
	struct junk_log *log;

	if (pq == NULL)
		return NULL;
	log = i_new(struct junk_log, 1);
	log->pq = pq;
	log->conninfo = i_strdup(set->conninfo);
	memcpy(log->check, set->check, sizeof(log->check));
	log->callbacks = callbacks;
	log->context = context;
	/* not from here: a callback must not come before the caller has the
	   result */
	log->to = timeout_add_short(0, log_connect, log);
	return log;
}

void junk_log_deinit(struct junk_log **_log)
{
	struct junk_log *log = *_log;

	if (log == NULL)
		return;
	*_log = NULL;
	log_disconnect(log);
	i_free(log->conninfo);
	i_free(log);
}
