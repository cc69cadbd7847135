#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage.h"
#include "master-service.h"

#include "sieve-message.h"
#include "sieve-runtime.h"

#include "junk-allow.h"
#include "junk-counts.h"
#include "junk-identity.h"
#include "junk-segment.h"
#include "ext-junk-feedback-common.h"

/* The segment stays mapped for the lifetime of the process. Deliveries after
   the first one open and map nothing. */
static struct junk_segment *score_segment = NULL;
static char *score_segment_path = NULL;
static struct junk_tokenizer *score_tokenizer = NULL;
static struct junk_counts *score_counts = NULL;

static void segment_close(void)
{
	junk_segment_close(&score_segment);
	junk_counts_close(&score_counts);
	i_free(score_segment_path);
}

void ext_junk_feedback_deinit(void)
{
	segment_close();
	junk_tokenizer_deinit(&score_tokenizer);
}

static struct junk_segment *segment_open(const char *base_dir)
{
	const char *path = t_strconcat(base_dir, "/"JUNK_SEGMENT_FNAME, NULL);

	if (score_segment_path == NULL ||
	    strcmp(score_segment_path, path) != 0) {
		segment_close();
		score_segment_path = i_strdup(path);
		score_segment = junk_segment_open(path);
		score_counts = junk_counts_open(t_strconcat(
			base_dir, "/"JUNK_COUNTS_FNAME, NULL));
	}
	return score_segment;
}

const char *
ext_junk_feedback_control_dir(struct mail_user *user, bool create)
{
	struct mail_namespace *ns;
	const char *dir;

	if (user == NULL)
		return NULL;
	ns = mail_namespace_find_inbox(user->namespaces);
	if (ns == NULL ||
	    !mailbox_list_get_root_path(ns->list,
					MAILBOX_LIST_PATH_TYPE_CONTROL, &dir))
		return NULL;
	/* a spam trap may never have stored a message */
	if (create && mailbox_list_mkdir_root(ns->list, dir,
					MAILBOX_LIST_PATH_TYPE_CONTROL) < 0)
		return NULL;
	return dir;
}

/* Find the identity whose own reports affect the score. Returns NULL if the
   user has never reported anything. */
static const unsigned char *
find_reporter(struct ext_junk_feedback_context *ctx,
	      const struct sieve_runtime_env *renv)
{
	const char *dir, *error;
	int ret;

	if (ctx->reporter_checked)
		return ctx->reporter_found ? ctx->reporter : NULL;
	ctx->reporter_checked = TRUE;

	dir = ext_junk_feedback_control_dir(renv->exec_env->scriptenv->user,
					    FALSE);
	if (dir == NULL)
		return NULL;
	ret = junk_identity_read(dir, ctx->reporter, &error);
	if (ret < 0) {
		e_error(renv->event, "junk-feedback: %s "
			"(the message is scored without the user's own "
			"reports)", error);
	}
	ctx->reporter_found = ret > 0;
	return ctx->reporter_found ? ctx->reporter : NULL;
}

int ext_junk_feedback_tokenize(const struct sieve_extension *ext,
			       const struct sieve_runtime_env *renv,
			       pool_t pool, struct junk_message *msg_r,
			       const char **error_r)
{
	struct ext_junk_feedback_context *ctx = ext->context;
	struct junk_tokenizer_settings set = {
		.authserv_id = ctx->set->junk_feedback_authserv_id,
		.mx = ctx->set->junk_feedback_mx,
	};
	struct mail *mail = renv->exec_env->msgdata->mail;
	struct istream *input;

	if (mail_get_stream_because(mail, NULL, NULL, "junk feedback",
				    &input) < 0) {
		*error_r = mailbox_get_last_internal_error(mail->box, NULL);
		return -1;
	}
	if (score_tokenizer == NULL)
		score_tokenizer = junk_tokenizer_init();
	return junk_tokenizer_read(score_tokenizer, input, &set, pool, msg_r,
				   error_r);
}

static void set_unknown(struct junk_score *score, const char *reason)
{
	i_zero(score);
	score->score = JUNK_SCORE_UNKNOWN;
	score->unknown_reason = reason;
}

static bool sender_is_trusted(struct ext_junk_feedback_context *ctx,
			      const struct sieve_runtime_env *renv)
{
	struct mail *mail = renv->exec_env->msgdata->mail;
	const char *dir, *error;
	struct istream *input;
	bool trusted;

	/* a message that can't be read has no score */
	if (mail_get_stream_because(mail, NULL, NULL, "junk feedback",
				    &input) < 0)
		return FALSE;
	dir = ext_junk_feedback_control_dir(renv->exec_env->scriptenv->user,
					    FALSE);
	trusted = junk_allow_message(input,
				     ctx->set->junk_feedback_authserv_id,
				     ctx->set->junk_feedback_allow_file, dir,
				     &error);
	if (error != NULL)
		e_error(renv->event, "junk-feedback: %s", error);
	return trusted;
}

static void
score_message(const struct sieve_extension *ext,
	      const struct sieve_runtime_env *renv,
	      const struct junk_model *model, struct junk_score *score_r)
{
	struct ext_junk_feedback_context *ctx = ext->context;
	struct junk_message msg;
	const char *error;
	pool_t pool;

	pool = pool_alloconly_create("junk feedback message", 16*1024);
	if (ext_junk_feedback_tokenize(ext, renv, pool, &msg, &error) < 0) {
		/* the delivery itself fails with the same error and logs it */
		e_debug(renv->event, "junk-feedback: "
			"message can't be read: %s", error);
		set_unknown(score_r, "message can't be read");
	} else {
		unsigned int count;
		const junk_token_t *tokens = array_get(&msg.tokens, &count);

		junk_model_score(model, tokens, count,
				 find_reporter(ctx, renv), score_r);
		if (score_r->score != JUNK_SCORE_UNKNOWN &&
		    sender_is_trusted(ctx, renv))
			junk_score_trust(score_r);
	}
	pool_unref(&pool);
}

static void
find_score(const struct sieve_extension *ext,
	   const struct sieve_runtime_env *renv, struct junk_score *score_r)
{
	struct ext_junk_feedback_context *ctx = ext->context;
	struct sieve_instance *svinst = ext->svinst;
	struct junk_segment *segment;
	struct junk_model model;
	const char *reason;

	if (!ctx->set->junk_feedback) {
		set_unknown(score_r, "junk_feedback = no");
		return;
	}
	if (svinst->base_dir == NULL) {
		set_unknown(score_r, "base_dir is unknown");
		return;
	}
	segment = segment_open(svinst->base_dir);
	if (junk_segment_get(segment, ioloop_time, &model, &reason) < 0) {
		e_debug(renv->event, "junk-feedback: scores are not available: "
			"%s", reason);
		set_unknown(score_r, "there are no scores");
		return;
	}
	score_message(ext, renv, &model, score_r);
}

/* Find the running program for the counter page. Programs such as sieve-test
   score old messages, so they aren't counted. */
static bool find_program(enum junk_counts_program *program_r)
{
	const char *name = master_service_get_name(master_service);

	for (int i = 0; i < JUNK_COUNTS_PROGRAM_COUNT; i++) {
		if (strcmp(name, junk_counts_program_name(i)) == 0) {
			*program_r = i;
			return i != JUNK_COUNTS_MILTER;
		}
	}
	return FALSE;
}

static void
count_score(const struct sieve_extension *ext, const struct junk_score *score)
{
	struct ext_junk_feedback_context *ctx = ext->context;
	enum junk_counts_program program;

	if (!ctx->set->junk_feedback || score_counts == NULL ||
	    !find_program(&program))
		return;
	junk_counts_add(score_counts, program, score->score,
			ctx->set->junk_feedback_threshold, ioloop_time);
}

static void
send_scored_event(const struct sieve_runtime_env *renv,
		  const struct junk_score *score)
{
	struct event_passthrough *e =
		event_create_passthrough(renv->event)->
		set_name("junk_feedback_scored")->
		add_int("evidence", score->evidence_count);

	if (score->score == JUNK_SCORE_UNKNOWN) {
		e->add_str("reason", score->unknown_reason);
		e_debug(e->event(), "junk-feedback: score unknown: %s",
			score->unknown_reason);
	} else {
		e->add_int("score", score->score);
		e_debug(e->event(), "junk-feedback: score %d", score->score);
	}
}

const struct junk_score *
ext_junk_feedback_get_score(const struct sieve_extension *ext,
			    const struct sieve_runtime_env *renv)
{
	struct junk_score *score;

	score = (struct junk_score *)
		sieve_message_context_extension_get(renv->msgctx, ext);
	if (score == NULL) {
		score = p_new(sieve_message_context_pool(renv->msgctx),
			      struct junk_score, 1);
		T_BEGIN {
			find_score(ext, renv, score);
			send_scored_event(renv, score);
			count_score(ext, score);
		} T_END;
		sieve_message_context_extension_set(renv->msgctx, ext, score);
	}
	return score;
}

const char *ext_junk_feedback_score_string(const struct junk_score *score)
{
	if (score->score == JUNK_SCORE_UNKNOWN)
		return JUNK_FEEDBACK_UNKNOWN;
	return t_strdup_printf("%d", score->score);
}
