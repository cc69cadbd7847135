/* Tests privacy by attack. The attacker has the database, WAL and segment,
   knows the exact words that were used, and tries to find out who used which
   ones. The tests do what is possible without the key. They also show that the
   same search finds everything with the key, so it would find a leak. */

/* for memmem() */
#define _GNU_SOURCE

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "str.h"
#include "test-common.h"
#include "test-junk-service.h"
#include "junk-model.h"
#include "junk-segment.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>

#define HOUR 3600
#define DAY (24*HOUR)
#define NOW ((time_t)(19690 * DAY))
#define RETENTION_DAYS 30
#define MIN_REPORTERS 3

/* Words that all people report, words of one person each, and words that nobody
   has used. */
#define PEOPLE 6
#define SHARED_WORDS 200
#define OWN_WORDS 2000
#define UNUSED_WORDS 20000
#define WORDS_PER_REPORT 50

static junk_token_t test_word(unsigned int num)
{
	const char *text = t_strdup_printf("word%u", num);

	return junk_token_hash(JUNK_TOKEN_BODY_WORD, text, strlen(text));
}

#define FIRST_SHARED 0
#define FIRST_OWN SHARED_WORDS
#define FIRST_UNUSED (SHARED_WORDS + OWN_WORDS)
#define LAST_UNUSED (FIRST_UNUSED + UNUSED_WORDS)

static void test_person(unsigned int num, unsigned char *reporter_r)
{
	crypto_generichash(reporter_r, JUNK_REPORTER_BYTES,
			   (const void *)&num, sizeof(num), NULL, 0);
}

static struct junk_engine *test_engine_start(time_t now)
{
	struct junk_engine_settings set = test_engine_settings();
	struct junk_engine *engine;

	set.retention_days = RETENTION_DAYS;
	set.min_reporters = MIN_REPORTERS;
	engine = junk_engine_init(&set);
	if (!junk_engine_start(engine, now))
		i_fatal("the engine doesn't start");
	return engine;
}

static void test_settle(struct junk_engine *engine, time_t now)
{
	/* the first round notes the time, a later one is due */
	for (unsigned int i = 0; i < 3; i++) {
		while (junk_engine_maintain(engine, now)) ;
		now += HOUR;
	}
}

static void
test_report(struct junk_engine *engine, unsigned int person,
	    unsigned int first_word, time_t now)
{
	static unsigned int serial = 0;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	junk_token_t tokens[WORDS_PER_REPORT];

	for (unsigned int i = 0; i < WORDS_PER_REPORT; i++)
		tokens[i] = test_word(first_word + i);
	test_person(person, reporter);
	test_engine_add_tokens(engine, ++serial, reporter, tokens,
			       WORDS_PER_REPORT, now);
	test_assert(junk_engine_commit(engine, now));
}

/* Everybody reports the shared words; each other word is reported by one
   person. */
static void test_report_all(struct junk_engine *engine, time_t now)
{
	unsigned int word;

	for (word = FIRST_SHARED; word < FIRST_OWN; word += WORDS_PER_REPORT) {
		for (unsigned int person = 0; person < PEOPLE; person++)
			T_BEGIN {
				test_report(engine, person, word, now);
			} T_END;
	}
	for (; word < FIRST_UNUSED; word += WORDS_PER_REPORT) T_BEGIN {
		test_report(engine, word / WORDS_PER_REPORT % PEOPLE, word,
			    now);
	} T_END;
}

/* --- the attacker's tools --- */

/* Returns another key, since the attacker doesn't have the service's. */
static struct junk_key *test_other_key(void)
{
	struct junk_key *key;
	const char *error;

	i_unlink_if_exists(test_path("other-key"));
	if (junk_key_load(test_path("other-key"), TRUE, &key, &error) != 1)
		i_fatal("junk_key_load() failed: %s", error);
	return key;
}

/* Returns how many of the words are in the table tokens: unhashed (key = NULL),
   or as keyed hashes. */
static unsigned int
test_count_known(const struct junk_key *key, unsigned int first,
		 unsigned int end)
{
	sqlite3_stmt *stmt = test_sqlite_prepare(test_db_path(),
		"SELECT 1 FROM tokens WHERE token = ?1");
	unsigned int count = 0;

	for (unsigned int word = first; word < end; word++) T_BEGIN {
		junk_token_t token = test_word(word);

		if (key != NULL)
			token = junk_key_token(key, token);
		(void)sqlite3_bind_int64(stmt, 1, (int64_t)token);
		if (sqlite3_step(stmt) == SQLITE_ROW)
			count++;
		(void)sqlite3_reset(stmt);
	} T_END;
	test_sqlite_finish(stmt);
	return count;
}

static void test_read_file(const char *path, buffer_t *dest)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd == -1)
		return;
	if (fstat(fd, &st) < 0 ||
	    read(fd, buffer_append_space_unsafe(dest, (size_t)st.st_size),
		 (size_t)st.st_size) != st.st_size)
		i_fatal("read(%s) failed: %m", path);
	i_close_fd(&fd);
}

/* Returns all bytes in a stolen state directory without its key. */
static buffer_t *test_read_database(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	buffer_t *data = buffer_create_dynamic(default_pool, 1024*1024);

	for (unsigned int i = 0; i < N_ELEMENTS(suffixes); i++) {
		test_read_file(t_strconcat(test_db_path(), suffixes[i], NULL),
			       data);
	}
	return data;
}

static bool
test_is_in(const buffer_t *data, const void *wanted, size_t size)
{
	return memmem(data->data, data->used, wanted, size) != NULL;
}

/* Returns TRUE if the number is in the data as SQLite stores it
   (big-endian). */
static bool test_number_is_in(const buffer_t *data, uint64_t number)
{
	unsigned char bytes[8];

	cpu64_to_be_unaligned(number, bytes);
	return test_is_in(data, bytes, sizeof(bytes));
}

/* --- tests --- */

static void test_junk_privacy_database(void)
{
	struct junk_engine *engine;
	struct junk_key *key, *other;
	buffer_t *data;
	unsigned int found = 0, reporters = 0;

	test_begin("dictionary attack on the database");
	test_engine_delete();
	engine = test_engine_start(NOW);
	test_report_all(engine, NOW);
	test_settle(engine, NOW);
	key = test_key_new();
	other = test_other_key();

	/* with the key, the attack works ... */
	test_assert(test_count_known(key, FIRST_SHARED, FIRST_UNUSED) ==
		    FIRST_UNUSED);
	test_assert(test_count_known(key, FIRST_UNUSED, LAST_UNUSED) == 0);
	/* ... and without it, it finds used words no better than unused ones */
	test_assert(test_count_known(NULL, FIRST_SHARED, LAST_UNUSED) == 0);
	test_assert(test_count_known(other, FIRST_SHARED, LAST_UNUSED) == 0);

	/* no byte names a token (of a sample) or a person */
	data = test_read_database();
	for (unsigned int word = 0; word < FIRST_UNUSED; word += 50) T_BEGIN {
		junk_token_t token = test_word(word);

		if (test_is_in(data, &token, sizeof(token)) ||
		    test_number_is_in(data, token))
			found++;
	} T_END;
	test_assert(found == 0);
	for (unsigned int person = 0; person < PEOPLE; person++) {
		unsigned char reporter[JUNK_REPORTER_BYTES];

		test_person(person, reporter);
		if (test_is_in(data, reporter, sizeof(reporter)))
			reporters++;
	}
	test_assert(reporters == 0);
	buffer_free(&data);
	junk_key_unref(&key);
	junk_key_unref(&other);
	junk_engine_deinit(&engine);
	test_end();
}

static double
test_share_weighted(const struct junk_model *model, unsigned int first,
		    unsigned int end, const unsigned char *reporter)
{
	unsigned int count = 0;

	for (unsigned int word = first; word < end; word++) T_BEGIN {
		junk_token_t token = test_word(word);
		size_t idx = reporter == NULL ?
			junk_model_index(model, token) :
			((size_t)1 << model->global_log2) +
			junk_model_personal_index(model, token, reporter);

		if (model->weights[idx] != 0)
			count++;
	} T_END;
	return (double)count / (end - first);
}

static void test_junk_privacy_segment(void)
{
	struct junk_engine *engine;
	struct junk_segment *segment;
	struct junk_model model;
	unsigned char reporter[JUNK_REPORTER_BYTES];
	const char *reason;
	double own, unused;

	test_begin("dictionary attack on the segment");
	test_engine_delete();
	engine = test_engine_start(NOW);
	test_report_all(engine, NOW);
	segment = junk_segment_open(test_path("scores"));
	if (junk_segment_get(segment, NOW, &model, &reason) < 0)
		i_fatal("no segment: %s", reason);

	/* the attack works for words that min_reporters people have reported
	   ... */
	test_assert(test_share_weighted(&model, FIRST_SHARED, FIRST_OWN,
					NULL) > 0.9);
	/* ... and in shared weights, one person's words are like unused ones:
	   both collide with others by chance. Three standard deviations are 0.5
	   %. */
	own = test_share_weighted(&model, FIRST_OWN, FIRST_UNUSED, NULL);
	unused = test_share_weighted(&model, FIRST_UNUSED, LAST_UNUSED, NULL);
	printf("shared weights: own words %.4f, unused %.4f\n", own, unused);
	test_assert(own <= unused + 0.005);

	/* personal weights can be found only with the identity */
	test_person(0, reporter);
	own = test_share_weighted(&model, FIRST_OWN, FIRST_UNUSED, reporter);
	unused = test_share_weighted(&model, FIRST_UNUSED, LAST_UNUSED,
				     reporter);
	printf("with the identity: own words %.4f, unused %.4f\n",
	       own, unused);
	test_assert(own > unused + 0.1);
	test_person(PEOPLE, reporter);
	own = test_share_weighted(&model, FIRST_OWN, FIRST_UNUSED, reporter);
	unused = test_share_weighted(&model, FIRST_UNUSED, LAST_UNUSED,
				     reporter);
	printf("with another identity: own words %.4f, unused %.4f\n",
	       own, unused);
	test_assert(own <= unused + 0.01);
	junk_segment_close(&segment);
	junk_engine_deinit(&engine);
	test_end();
}

/* Unique contents of rows: the beginning of each sealed blob, which is random,
   the id of the report, and the tokens' numbers. */
struct test_traces {
	buffer_t *blobs, *numbers;
};

#define TRACE_BYTES 24

static void test_traces_init(struct test_traces *traces_r)
{
	sqlite3_stmt *stmt = test_sqlite_prepare(test_db_path(),
		"SELECT id, sealed FROM reports");
	uint64_t number;

	traces_r->blobs = buffer_create_dynamic(default_pool, 4096);
	traces_r->numbers = buffer_create_dynamic(default_pool, 4096);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		number = (uint64_t)sqlite3_column_int64(stmt, 0);
		buffer_append(traces_r->numbers, &number, sizeof(number));
		buffer_append(traces_r->blobs, sqlite3_column_blob(stmt, 1),
			      TRACE_BYTES);
	}
	test_sqlite_finish(stmt);
}

static void test_traces_deinit(struct test_traces *traces)
{
	buffer_free(&traces->blobs);
	buffer_free(&traces->numbers);
}

/* Returns how many of them occur anywhere in the database's files. */
static unsigned int test_traces_found(const struct test_traces *traces)
{
	const unsigned char *blobs = traces->blobs->data;
	const uint64_t *numbers = traces->numbers->data;
	buffer_t *data = test_read_database();
	unsigned int count = 0;

	for (size_t i = 0; i < traces->blobs->used; i += TRACE_BYTES)
		count += test_is_in(data, blobs + i, TRACE_BYTES) ? 1 : 0;
	for (size_t i = 0; i < traces->numbers->used / sizeof(*numbers); i++)
		count += test_number_is_in(data, numbers[i]) ? 1 : 0;
	buffer_free(&data);
	return count;
}

static void test_junk_privacy_expiry(void)
{
	const time_t later = NOW + (RETENTION_DAYS + 2) * DAY;
	struct junk_engine *engine;
	struct test_traces traces;

	test_begin("expiry leaves nothing behind");
	test_engine_delete();
	engine = test_engine_start(NOW);
	test_report_all(engine, NOW);
	test_settle(engine, NOW);
	test_traces_init(&traces);
	test_assert(traces.blobs->used > 0);
	test_assert(test_traces_found(&traces) ==
		    traces.blobs->used / TRACE_BYTES * 2);

	/* the service continues: expired data must not be in any used or free
	   page, nor in the WAL */
	for (time_t now = NOW; now < later; now += DAY)
		while (junk_engine_maintain(engine, now)) ;
	test_report(engine, 0, FIRST_SHARED, later);
	test_settle(engine, later);
	test_assert(test_db_int("SELECT count(*) FROM reports") == 1);
	test_assert(test_traces_found(&traces) == 0);
	/* a word of one person is deleted with its report, one of many people
	   stays */
	test_assert(test_db_int("SELECT count(*) FROM tokens") ==
		    SHARED_WORDS);
	test_traces_deinit(&traces);
	junk_engine_deinit(&engine);
	test_end();
}

/* Returns how many rows of a database can be decrypted with a key. */
static unsigned int
test_count_unsealed(const char *path, const struct junk_key *key)
{
	buffer_t *plain = buffer_create_dynamic(default_pool, 1024);
	unsigned int count = 0;
	sqlite3_stmt *stmt = test_sqlite_prepare(path,
		"SELECT sealed FROM reports UNION ALL "
		"SELECT sealed FROM snapshot");

	while (sqlite3_step(stmt) == SQLITE_ROW) {
		buffer_set_used_size(plain, 0);
		if (junk_key_unseal(key, sqlite3_column_blob(stmt, 0),
				    sqlite3_column_bytes(stmt, 0),
				    plain) == 0)
			count++;
	}
	test_sqlite_finish(stmt);
	buffer_free(&plain);
	return count;
}

static const char *test_rekey(struct junk_engine *engine, time_t now)
{
	static const char prefix[] = "old_database=";
	const struct junk_frame frame = { .type = JUNK_FRAME_REKEY };
	string_t *answer = t_str_new(128);
	const char *error;

	test_assert(junk_engine_admin(engine, &frame, now, answer,
				      &error) == 0);
	test_assert(strncmp(str_c(answer), prefix, strlen(prefix)) == 0);
	return t_strcut(str_c(answer) + strlen(prefix), '\n');
}

/* Returns how many people the key identifies in the model that continues. */
static unsigned int test_count_people(const struct junk_key *key)
{
	buffer_t *plain = buffer_create_dynamic(default_pool, 256*1024);
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned int count = 0, parts = 0;
	sqlite3_stmt *stmt = test_sqlite_prepare(test_db_path(),
		"SELECT sealed FROM snapshot");

	while (sqlite3_step(stmt) == SQLITE_ROW) {
		buffer_set_used_size(plain, 0);
		if (junk_key_unseal(key, sqlite3_column_blob(stmt, 0),
				    (size_t)sqlite3_column_bytes(stmt, 0),
				    plain) < 0)
			continue;
		parts++;
		for (unsigned int i = 0; i < PEOPLE; i++) {
			test_person(i, reporter);
			if (test_is_in(plain, reporter, sizeof(reporter)))
				count++;
		}
	}
	test_sqlite_finish(stmt);
	buffer_free(&plain);
	test_assert(parts > 0);
	return count;
}

static void test_junk_privacy_rekey(void)
{
	struct junk_engine *engine;
	struct junk_key *old_key, *key;
	struct test_traces traces;
	const char *old_path;

	test_begin("rekey: old rows can't be linked with anything");
	test_engine_delete();
	engine = test_engine_start(NOW);
	test_report_all(engine, NOW);
	test_settle(engine, NOW);
	test_traces_init(&traces);
	old_key = test_key_new();
	test_assert(test_count_people(old_key) > 0);
	old_path = test_rekey(engine, NOW + DAY);
	key = test_key_new();
	test_assert(test_count_people(key) == 0);

	/* with the key that is destroyed now, everything could be read */
	test_assert(test_count_unsealed(old_path, old_key) > 0);
	test_assert(test_count_unsealed(old_path, key) == 0);
	test_assert(test_traces_found(&traces) == 0);
	/* when the same people report the same words again, all their numbers
	   are new */
	test_report_all(engine, NOW + DAY);
	test_settle(engine, NOW + DAY);
	test_assert(test_traces_found(&traces) == 0);
	test_assert(test_count_known(key, FIRST_SHARED, FIRST_UNUSED) ==
		    FIRST_UNUSED);
	test_assert(test_count_known(old_key, FIRST_SHARED,
				     FIRST_UNUSED) == 0);
	test_traces_deinit(&traces);
	junk_key_unref(&old_key);
	junk_key_unref(&key);
	junk_engine_deinit(&engine);
	test_end();
}

static void test_init(void)
{
	test_dir_init("junk-privacy");
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_init,
		test_junk_privacy_database,
		test_junk_privacy_segment,
		test_junk_privacy_expiry,
		test_junk_privacy_rekey,
		test_dir_deinit,
		NULL
	};

	return test_run(test_functions);
}
