#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "junk-allow-file.h"
#include "junk-counts.h"
#include "junk-model.h"
#include "junk-reason.h"
#include "junk-score.h"
#include "junk-segment.h"
#include "junk-sender.h"
#include "junk-tokenizer.h"

#include <time.h>

struct junk_scores {
	struct junk_segment *segment;
	struct junk_counts *counts;
	char *authserv_id, *mx, *allow_file;
	unsigned int threshold;
	/* the last score; its reason is formatted on request */
	struct junk_score score;
	string_t *reason;
	/* reused for each message */
	struct junk_tokenizer *tokenizer;
	pool_t pool;
};

/* The counter page is beside the segment. */
static struct junk_counts *counts_open(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct junk_counts *counts;

	T_BEGIN {
		counts = junk_counts_open(slash == NULL ? JUNK_COUNTS_FNAME :
			t_strconcat(t_strdup_until(path, slash + 1),
				    JUNK_COUNTS_FNAME, NULL));
	} T_END;
	return counts;
}

struct junk_scores *junk_scores_open(const char *path)
{
	struct junk_scores *scores;

	if (!lib_is_initialized())
		lib_init();
	scores = i_new(struct junk_scores, 1);
	scores->segment = junk_segment_open(path);
	scores->counts = counts_open(path);
	scores->reason = str_new(default_pool, 128);
	scores->tokenizer = junk_tokenizer_init();
	scores->pool = pool_alloconly_create("junk scores", 16*1024);
	return scores;
}

void junk_scores_close(struct junk_scores **_scores)
{
	struct junk_scores *scores = *_scores;

	if (scores == NULL)
		return;
	*_scores = NULL;
	junk_segment_close(&scores->segment);
	junk_counts_close(&scores->counts);
	str_free(&scores->reason);
	junk_tokenizer_deinit(&scores->tokenizer);
	pool_unref(&scores->pool);
	i_free(scores->authserv_id);
	i_free(scores->mx);
	i_free(scores->allow_file);
	i_free(scores);
}

void junk_scores_set_authserv_id(struct junk_scores *scores, const char *id)
{
	i_free(scores->authserv_id);
	scores->authserv_id = i_strdup(id);
}

void junk_scores_set_mx(struct junk_scores *scores, const char *hosts)
{
	i_free(scores->mx);
	scores->mx = i_strdup(hosts);
}

void junk_scores_set_allow_file(struct junk_scores *scores, const char *path)
{
	i_free(scores->allow_file);
	scores->allow_file = i_strdup(path);
}

void junk_scores_set_threshold(struct junk_scores *scores,
			       unsigned int threshold)
{
	scores->threshold = threshold;
}

/* If the file can't be read, nobody is trusted. */
static bool sender_is_trusted(struct junk_scores *scores, struct istream *input)
{
	const char *address, *error;

	if (scores->allow_file == NULL || *scores->allow_file == '\0')
		return FALSE;
	address = junk_sender_read(input, scores->authserv_id);
	return address != NULL &&
		junk_allow_file_find(scores->allow_file, address, &error) > 0;
}

static int
score_data(struct junk_scores *scores, const struct junk_model *model,
	   const void *data, size_t size, const unsigned char *reporter)
{
	struct junk_tokenizer_settings set = {
		.authserv_id = scores->authserv_id,
		.mx = scores->mx,
	};
	struct junk_message msg;
	struct istream *input;
	const junk_token_t *tokens;
	unsigned int count;
	const char *error;
	int ret;

	input = i_stream_create_from_data(data, size);
	p_clear(scores->pool);
	ret = junk_tokenizer_read(scores->tokenizer, input, &set, scores->pool,
				  &msg, &error);
	if (ret < 0) {
		str_append(scores->reason, error);
		i_stream_unref(&input);
		return JUNK_SCORES_UNKNOWN;
	}
	tokens = array_get(&msg.tokens, &count);
	junk_model_score(model, tokens, count, reporter, &scores->score);
	if (scores->score.score != JUNK_SCORE_UNKNOWN &&
	    sender_is_trusted(scores, input))
		junk_score_trust(&scores->score);
	i_stream_unref(&input);
	return scores->score.score;
}

int junk_scores_message(struct junk_scores *scores, const void *data,
			size_t size, const unsigned char *reporter)
{
	struct junk_model model;
	const char *reason;
	time_t now = time(NULL);
	int ret;

	str_truncate(scores->reason, 0);
	i_zero(&scores->score);
	T_BEGIN {
		if (junk_segment_get(scores->segment, now, &model,
				     &reason) < 0) {
			str_append(scores->reason, reason);
			ret = JUNK_SCORES_UNKNOWN;
		} else {
			ret = score_data(scores, &model, data, size,
					 reporter);
		}
		junk_counts_add(scores->counts, JUNK_COUNTS_MILTER, ret,
				scores->threshold, now);
	} T_END;
	return ret;
}

const char *junk_scores_reason(struct junk_scores *scores)
{
	if (str_len(scores->reason) == 0)
		junk_reason_append(scores->reason, &scores->score);
	return str_c(scores->reason);
}
