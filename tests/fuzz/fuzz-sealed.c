/* Fuzzes the readers of encrypted data in the database: data that somebody with
   the key has sealed, or that is damaged. The first byte selects the reader of
   the rest. */

#include "lib.h"
#include "buffer.h"
#include "fuzz.h"
#include "junk-key.h"
#include "junk-learner.h"
#include "junk-limits.h"
#include "junk-sealed.h"

#include <unistd.h>

static const struct junk_key *fuzz_key(void)
{
	static struct junk_key *key = NULL;
	char dir[] = "/tmp/junk-fuzz-XXXXXX";
	const char *path, *error;

	if (key != NULL)
		return key;
	if (mkdtemp(dir) == NULL)
		i_fatal("mkdtemp(%s) failed: %m", dir);
	path = t_strconcat(dir, "/key", NULL);
	if (junk_key_load(path, TRUE, &key, &error) != 1)
		i_fatal("junk_key_load() failed: %s", error);
	i_unlink(path);
	if (rmdir(dir) < 0)
		i_fatal("rmdir(%s) failed: %m", dir);
	return key;
}

static void fuzz_report(const uint8_t *data, size_t size)
{
	buffer_t *sealed = t_buffer_create(size + 64);
	struct junk_report report;
	enum junk_sealed_flags flags;

	if (junk_sealed_read(fuzz_key(), data, size, &report, &flags) == 0)
		i_panic("unsealed what wasn't sealed");
	junk_key_seal(fuzz_key(), data, size, sealed);
	if (junk_sealed_read(fuzz_key(), sealed->data, sealed->used, &report,
			     &flags) == 0)
		i_assert(report.token_count <= JUNK_MAX_TOKENS);
}

/* Import a state with the smallest tables, since it contains their size. */
static void fuzz_state(const uint8_t *data, size_t size)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;
	buffer_t *state = t_buffer_create(64*1024);
	const char *error = NULL;

	junk_learner_settings_init(&set);
	set.global_log2 = set.personal_log2 = 10;
	learner = junk_learner_init(&set);
	if (junk_learner_import(learner, data, size, &error) < 0) {
		i_assert(error != NULL);
	} else {
		struct junk_report report = {
			.verdict = JUNK_VERDICT_SPAM,
			.tokens = (const junk_token_t []){ 1, 2, 3 },
			.token_count = 3,
		};

		junk_learner_learn(learner, &report, 1);
		junk_learner_export(learner, state);
	}
	junk_learner_deinit(&learner);
}

FUZZ_ONE(data, size)
{
	if (size > 0 && data[0] % 2 == 0)
		fuzz_report(data + 1, size - 1);
	else if (size > 0)
		fuzz_state(data + 1, size - 1);
}
