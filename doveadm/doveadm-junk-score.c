/* doveadm junk score: the score of messages, and why */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "mail-storage.h"
#include "doveadm-print.h"
#include "doveadm-mail.h"

#include "junk-allow.h"
#include "junk-limits.h"
#include "junk-segment.h"
#include "doveadm-junk.h"
#include "junk-compat.h"
#include "junk-settings.h"

#include <math.h>
#include <unistd.h>

/* Without -a, the command shows so many tokens: those that moved the score
   most. */
#define SCORE_TOP_TOKENS 20

struct score_token {
	junk_token_t token;
	const char *text;
	double weight;
	/* estimated number of people who reported it; 0 = few, or unknown */
	unsigned int people;
};
ARRAY_DEFINE_TYPE(score_tokens, struct score_token);

struct scorer {
	struct junk_segment *segment;
	/* the service, asked for the number of people behind a token; NULL = it
	   doesn't answer */
	struct doveadm_junk_service *service;
	bool all;

	/* settings of the current user; NULL = no user */
	const struct junk_settings *set;
	const unsigned char *reporter;
	const char *control_dir;

	/* memory of the current message */
	pool_t pool;
	ARRAY_TYPE(score_tokens) tokens;
};

struct junk_score_cmd_context {
	struct doveadm_mail_cmd_context ctx;
	struct scorer scorer;
	struct doveadm_junk_found found;
};

/*
 * One message
 */

static void scorer_init(struct scorer *scorer, bool all)
{
	const char *error;

	i_zero(scorer);
	/* connect now, while doveadm still is root */
	if (doveadm_junk_service_connect(&scorer->service, &error) < 0)
		scorer->service = NULL;
	scorer->segment = junk_segment_open(doveadm_junk_segment_path());
	scorer->all = all;
	scorer->pool = pool_alloconly_create("junk score", 64*1024);

	doveadm_print_header("message", "message", 0);
	doveadm_print_header("item", "item", 0);
	doveadm_print_header("class", "class", 0);
	doveadm_print_header("token", "token", 0);
	doveadm_print_header("value", "value", 0);
	doveadm_print_header("people", "people", 0);
}

static void scorer_deinit(struct scorer *scorer)
{
	junk_segment_close(&scorer->segment);
	doveadm_junk_service_close(&scorer->service);
	pool_unref(&scorer->pool);
}

/* Copy a token's text without control characters: a sender has written it, and
   a terminal would execute its escape sequences. This includes U+0080 to
   U+009F, which are two bytes. */
static char *copy_printable(pool_t pool, const char *text)
{
	char *copy = p_strdup(pool, text);

	for (unsigned char *p = (unsigned char *)copy; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
	return copy;
}

static void
remember_token(junk_token_t token, const char *text, void *context)
{
	struct scorer *scorer = context;
	struct score_token *t = array_append_space(&scorer->tokens);

	t->token = token;
	t->text = copy_printable(scorer->pool, text);
}

/* people: 0 = unknown */
static void
print_people_row(const char *message, const char *item, const char *class,
		 const char *token, const char *value, unsigned int people)
{
	doveadm_print(message);
	doveadm_print(item);
	doveadm_print(class);
	doveadm_print(token);
	doveadm_print(value);
	doveadm_print(people == 0 ? "" : dec2str(people));
}

static void
print_row(const char *message, const char *item, const char *value)
{
	print_people_row(message, item, "", "", value, 0);
}

static const char *weight_string(double weight)
{
	return t_strdup_printf("%+.3f", weight);
}

static void
print_score(const char *name, const struct junk_score *score)
{
	if (score->score == JUNK_SCORE_UNKNOWN) {
		print_row(name, "score", "unknown");
		print_row(name, "reason", score->unknown_reason);
	} else {
		print_row(name, "score",
			  t_strdup_printf("%d", score->score));
		if (score->trusted)
			print_row(name, "reason", "trusted sender");
	}
	print_row(name, "sum", weight_string(score->sum));
	print_row(name, "evidence",
		  t_strdup_printf("%u", score->evidence_count));
}

struct class_sum {
	unsigned int class_num;
	double sum;
};

static int weight_cmp(double w1, double w2)
{
	if (fabs(w1) != fabs(w2))
		return fabs(w1) > fabs(w2) ? -1 : 1;
	return 0;
}

static int class_sum_cmp(const struct class_sum *s1, const struct class_sum *s2)
{
	return weight_cmp(s1->sum, s2->sum);
}

static int
score_token_cmp(const struct score_token *t1, const struct score_token *t2)
{
	return weight_cmp(t1->weight, t2->weight);
}

/* Returns the largest number of people behind any token of the class. */
static unsigned int
class_people(struct scorer *scorer, enum junk_token_class class_num)
{
	const struct score_token *t;
	unsigned int people = 0;

	array_foreach(&scorer->tokens, t) {
		if (junk_token_class(t->token) == class_num)
			people = I_MAX(people, t->people);
	}
	return people;
}

static void
print_classes(struct scorer *scorer, const char *name,
	      const struct junk_score *score)
{
	ARRAY(struct class_sum) sums;
	const struct class_sum *sum;

	t_array_init(&sums, JUNK_TOKEN_CLASS_COUNT);
	for (unsigned int i = 0; i < JUNK_TOKEN_CLASS_COUNT; i++) {
		struct class_sum class_sum = { i, score->class_sum[i] };

		if (class_sum.sum != 0)
			array_push_back(&sums, &class_sum);
	}
	array_sort(&sums, class_sum_cmp);
	array_foreach(&sums, sum) {
		print_people_row(name, "class",
				 junk_token_class_name(sum->class_num), "",
				 weight_string(sum->sum),
				 class_people(scorer, (enum junk_token_class)
					      sum->class_num));
	}
}

/* Add up the same sums as the score, token by token. */
static void
weigh_tokens(struct scorer *scorer, const struct junk_model *model,
	     const struct junk_message *msg)
{
	unsigned int counts[JUNK_TOKEN_SOURCE_COUNT];
	float scales[JUNK_TOKEN_SOURCE_COUNT];
	struct score_token *t;

	junk_model_count(array_front(&msg->tokens), array_count(&msg->tokens),
			 counts);
	junk_model_scales(counts, scales);
	array_foreach_modifiable(&scorer->tokens, t) {
		int weight = model->weights[junk_model_index(model, t->token)] &
			~JUNK_WEIGHT_FAMILIAR;

		if (scorer->reporter != NULL) {
			weight += model->weights[junk_model_personal_index(
				model, t->token, scorer->reporter)] &
				~JUNK_WEIGHT_FAMILIAR;
		}
		t->weight = weight / (double)JUNK_WEIGHT_SCALE *
			scales[junk_token_source(t->token)];
	}
	array_sort(&scorer->tokens, score_token_cmp);
}

static void ask_people(struct scorer *scorer)
{
	unsigned int i = 0, count = array_count(&scorer->tokens);
	junk_token_t *tokens = t_new(junk_token_t, count + 1);
	struct doveadm_junk_known *known =
		t_new(struct doveadm_junk_known, count + 1);
	struct score_token *t;
	const char *error;

	if (scorer->service == NULL)
		return;
	array_foreach_modifiable(&scorer->tokens, t)
		tokens[i++] = t->token;
	if (doveadm_junk_service_lookup(scorer->service, tokens, count,
					known, &error) < 0) {
		doveadm_junk_service_close(&scorer->service);
		return;
	}
	i = 0;
	array_foreach_modifiable(&scorer->tokens, t)
		t->people = known[i++].people;
}

static void print_tokens(struct scorer *scorer, const char *name)
{
	const struct score_token *t;
	unsigned int shown = 0;

	array_foreach(&scorer->tokens, t) {
		if (!scorer->all &&
		    (t->weight == 0 || shown++ == SCORE_TOP_TOKENS))
			break;
		print_people_row(name, "token",
			junk_token_class_name(junk_token_class(t->token)),
			t->text, weight_string(t->weight), t->people);
	}
}

static void
trust_sender(struct scorer *scorer, struct istream *input,
	     struct junk_score *score)
{
	const char *error;

	if (junk_allow_message(input, scorer->set->junk_feedback_authserv_id,
			       scorer->set->junk_feedback_allow_file,
			       scorer->control_dir, &error))
		junk_score_trust(score);
	if (error != NULL)
		i_error("junk score: %s", error);
}

static int
score_stream(struct scorer *scorer, const char *name, struct istream *input,
	     const char **error_r)
{
	struct junk_tokenizer_settings set = {
		.authserv_id = scorer->set->junk_feedback_authserv_id,
		.mx = scorer->set->junk_feedback_mx,
		.token_callback = remember_token,
		.token_context = scorer,
	};
	struct junk_message msg;
	struct junk_model model;
	struct junk_score score;
	const junk_token_t *tokens;
	unsigned int count;

	p_clear(scorer->pool);
	p_array_init(&scorer->tokens, scorer->pool, JUNK_MAX_TOKENS);
	if (junk_tokenize(input, &set, scorer->pool, &msg, error_r) < 0)
		return -1;

	i_zero(&score);
	score.score = JUNK_SCORE_UNKNOWN;
	if (junk_segment_get(scorer->segment, ioloop_time, &model,
			     &score.unknown_reason) == 0) {
		tokens = array_get(&msg.tokens, &count);
		junk_model_score(&model, tokens, count, scorer->reporter,
				 &score);
		trust_sender(scorer, input, &score);
		weigh_tokens(scorer, &model, &msg);
	}
	ask_people(scorer);
	print_score(name, &score);
	print_classes(scorer, name, &score);
	print_tokens(scorer, name);
	return 0;
}

/*
 * doveadm junk score < message
 */

/* Returns what is read of the message in memory, since a pipe can be read only
   once. After an error, reading the result fails as well. */
static struct istream *stdin_read(void)
{
	struct istream *input, *copy;
	const unsigned char *data;
	buffer_t *buf = buffer_create_dynamic(default_pool, 64*1024);
	size_t size;

	input = i_stream_create_fd(STDIN_FILENO, IO_BLOCK_SIZE);
	while (buf->used < JUNK_MAX_READ_BYTES &&
	       i_stream_read_more(input, &data, &size) > 0) {
		buffer_append(buf, data, size);
		i_stream_skip(input, size);
	}
	copy = input->stream_errno == 0 ?
		i_stream_create_copy_from_buffer(buf) :
		i_stream_create_error_str(input->stream_errno, "%s",
					  i_stream_get_error(input));
	i_stream_unref(&input);
	buffer_free(&buf);
	return copy;
}

static void cmd_junk_score_stdin(struct doveadm_cmd_context *cctx)
{
	struct scorer scorer;
	struct istream *input;
	const char *error;
	bool all = FALSE;

	(void)doveadm_cmd_param_bool(cctx, "explain-all", &all);
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	scorer_init(&scorer, all);
	scorer.set = doveadm_junk_settings_get(NULL, unsafe_data_stack_pool);
	input = stdin_read();
	if (score_stream(&scorer, "-", input, &error) < 0) {
		i_error("junk score: %s", error);
		doveadm_exit_code = EX_DATAERR;
	}
	i_stream_unref(&input);
	scorer_deinit(&scorer);
}

/*
 * doveadm junk score -u user [query]
 */

static int
score_mail(struct doveadm_mail_cmd_context *_ctx, struct mail *mail)
{
	struct junk_score_cmd_context *ctx =
		(struct junk_score_cmd_context *)_ctx;
	struct istream *input;
	const char *name, *error;

	if (mail_get_stream_because(mail, NULL, NULL, "junk score",
				    &input) < 0) {
		doveadm_mail_failed_mailbox(_ctx, mail->box);
		return 0;
	}
	name = t_strdup_printf("%s %u", mailbox_get_vname(mail->box),
			       mail->uid);
	if (score_stream(&ctx->scorer, name, input, &error) < 0) {
		i_error("junk score: %s: %s", name, error);
		_ctx->exit_code = EX_DATAERR;
	}
	return 0;
}

static int
score_input(struct junk_score_cmd_context *ctx)
{
	struct istream *input = ctx->ctx.cmd_input;
	const char *error;

	/* each user gets the same message */
	i_stream_seek(input, 0);
	if (score_stream(&ctx->scorer, "-", input, &error) < 0) {
		i_error("junk score: %s", error);
		ctx->ctx.exit_code = EX_DATAERR;
		return -1;
	}
	return 0;
}

static int
cmd_junk_score_run(struct doveadm_mail_cmd_context *_ctx,
		   struct mail_user *user)
{
	struct junk_score_cmd_context *ctx =
		(struct junk_score_cmd_context *)_ctx;
	unsigned char buf[JUNK_REPORTER_BYTES];

	ctx->scorer.set = doveadm_junk_settings_get(user, user->pool);
	ctx->scorer.reporter = doveadm_junk_reporter(user, buf);
	ctx->scorer.control_dir = doveadm_junk_control_dir(user, FALSE);
	if (_ctx->search_args == NULL)
		return score_input(ctx);
	return doveadm_junk_search(_ctx, user, score_mail, &ctx->found);
}

JUNK_DOVEADM_DEFINE_PARSE_ARG

static void cmd_junk_score_init(JUNK_DOVEADM_INIT_PARAMS)
{
	struct junk_score_cmd_context *ctx =
		(struct junk_score_cmd_context *)_ctx;
	const char *const *query;
	bool all = FALSE;

	(void)doveadm_cmd_param_bool(_ctx->cctx, "explain-all", &all);
	scorer_init(&ctx->scorer, all);
	if (doveadm_cmd_param_array(_ctx->cctx, "query", &query))
		_ctx->search_args = doveadm_mail_build_search_args(query);
	else
		doveadm_mail_get_input(_ctx);
}

static void cmd_junk_score_deinit(struct doveadm_mail_cmd_context *_ctx)
{
	struct junk_score_cmd_context *ctx =
		(struct junk_score_cmd_context *)_ctx;

	doveadm_junk_search_finish(_ctx, "junk score", &ctx->found);
	if (ctx->scorer.pool != NULL)
		scorer_deinit(&ctx->scorer);
}

static struct doveadm_mail_cmd_context *cmd_junk_score_alloc(void)
{
	struct junk_score_cmd_context *ctx =
		doveadm_mail_cmd_alloc(struct junk_score_cmd_context);

	ctx->ctx.v.init = cmd_junk_score_init;
	ctx->ctx.v.run = cmd_junk_score_run;
	ctx->ctx.v.deinit = cmd_junk_score_deinit;
	JUNK_DOVEADM_SET_OPTIONS(&ctx->ctx, "a");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

/* A message on stdin needs no user. doveadm's TCP protocol transfers stdin, but
   HTTP doesn't. */
static void cmd_junk_score(struct doveadm_cmd_context *cctx)
{
	bool http = cctx->conn_type == DOVEADM_CONNECTION_TYPE_HTTP;
	const char *const *query;

	if (doveadm_cmd_param_array(cctx, "query", &query) ||
	    (doveadm_junk_names_users(cctx) && !http))
		doveadm_cmd_ver2_to_mail_cmd_wrapper(cctx);
	else if (doveadm_server) {
		i_error("junk score: over HTTP, a user and a query are "
			"required");
		doveadm_exit_code = EX_USAGE;
	} else {
		cmd_junk_score_stdin(cctx);
	}
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_score = {
	.name = "junk score",
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-a] [<search query>]",
	.cmd = cmd_junk_score,
	.mail_cmd = cmd_junk_score_alloc,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('a', "explain-all", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "query", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
