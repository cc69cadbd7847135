/* doveadm junk token: prints what is known about a word, an address or a host.
   The service answers only about tokens that enough people have reported. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "doveadm-print.h"

#include "junk-limits.h"
#include "junk-segment.h"
#include "doveadm-junk.h"

#define COMMAND "junk token"

struct token_search {
	pool_t pool;
	const char *word;
	ARRAY(junk_token_t) tokens;
	ARRAY_TYPE(const_string) texts;
};

/* Returns TRUE if a token's text is the word itself, of any class, and not a
   part of it. Structure tokens have a prefix ("local:offer"). */
static bool text_is_word(const char *text, const char *word)
{
	size_t len = strlen(word), text_len = strlen(text);

	if (text_len < len ||
	    strncasecmp(text + text_len - len, word, len) != 0)
		return FALSE;
	return text_len == len || text[text_len - len - 1] == ':';
}

static void
token_found(junk_token_t token, const char *text, void *context)
{
	struct token_search *search = context;

	if (!text_is_word(text, search->word) ||
	    array_count(&search->tokens) == JUNK_MAX_LOOKUP_TOKENS)
		return;
	text = p_strdup(search->pool, text);
	array_push_back(&search->tokens, &token);
	array_push_back(&search->texts, &text);
}

/* Make a message that has the word in all places. The tokenizer then says how
   the word is written in tokens. */
static const char *message_with(const char *word)
{
	if (strchr(word, '@') != NULL) {
		return t_strdup_printf("From: %s <%s>\nReply-To: <%s>\n"
			"Subject: %s\n\n%s <mailto:%s>\n", word, word, word,
			word, word, word);
	}
	return t_strdup_printf("From: %s <%s@%s>\nReply-To: <a@%s>\n"
		"Subject: %s\nX-Mailer: %s\n\n%s http://%s/ "
		"http://www.example.com/%s\n", word, word, word, word, word,
		word, word, word, word);
}

static void find_tokens(struct token_search *search)
{
	struct junk_tokenizer_settings set = {
		.token_callback = token_found,
		.token_context = search,
	};
	const char *text = message_with(search->word), *error;
	struct junk_message msg;
	struct istream *input = i_stream_create_from_data(text, strlen(text));

	/* reading from memory can't fail */
	(void)junk_tokenize(input, &set, search->pool, &msg, &error);
	i_stream_unref(&input);
}

/*
 * Output
 */

static const char *weight_of(const struct junk_model *model,
			     junk_token_t token)
{
	if (model == NULL)
		return "";
	return t_strdup_printf("%+.3f",
		model->weights[junk_model_index(model, token)] /
		(double)JUNK_WEIGHT_SCALE);
}

static void print_headers(void)
{
	static const char *const columns[] = {
		"class", "token", "spam", "ham", "people", "weight", "hash",
	};

	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	for (unsigned int i = 0; i < N_ELEMENTS(columns); i++)
		doveadm_print_header_simple(columns[i]);
}

static void
print_token(junk_token_t token, const char *text, const char *weight,
	    const struct doveadm_junk_known *known)
{
	doveadm_print(junk_token_class_name(junk_token_class(token)));
	doveadm_print(text);
	doveadm_print(dec2str(known->spam));
	doveadm_print(dec2str(known->ham));
	doveadm_print(dec2str(known->people));
	doveadm_print(weight);
	doveadm_print(known->hash);
}

/* Returns the number of known tokens. */
static unsigned int
print_tokens(const struct token_search *search, const struct junk_model *model,
	     const struct doveadm_junk_known *known)
{
	const junk_token_t *token;
	unsigned int count, printed = 0;
	/* the result is empty if the word is longer than any token */
	const char *const *texts = array_get(&search->texts, &count);

	array_foreach(&search->tokens, token) T_BEGIN {
		unsigned int i = array_foreach_idx(&search->tokens, token);

		if (known[i].people > 0) {
			if (printed++ == 0)
				print_headers();
			print_token(*token, texts[i], weight_of(model, *token),
				    &known[i]);
		}
	} T_END;
	return printed;
}

static int
lookup(const struct token_search *search, struct doveadm_junk_known *known,
       const char **error_r)
{
	struct doveadm_junk_service *service;
	unsigned int count;
	const junk_token_t *tokens = array_get(&search->tokens, &count);
	int ret;

	if (doveadm_junk_service_connect(&service, error_r) < 0)
		return -1;
	ret = doveadm_junk_service_lookup(service, tokens, count, known,
					  error_r);
	doveadm_junk_service_close(&service);
	return ret;
}

static void token_run(struct token_search *search)
{
	struct doveadm_junk_known *known = t_new(struct doveadm_junk_known,
		array_count(&search->tokens) + 1);
	struct junk_segment *segment;
	struct junk_model model;
	const char *error;
	bool have_model;

	if (lookup(search, known, &error) < 0) {
		i_error(COMMAND": %s", error);
		doveadm_exit_code = EX_UNAVAILABLE;
		return;
	}
	segment = junk_segment_open(doveadm_junk_segment_path());
	have_model = junk_segment_get(segment, ioloop_time, &model,
				      &error) == 0;
	if (print_tokens(search, have_model ? &model : NULL, known) == 0) {
		i_error(COMMAND": \"%s\" is unknown, or too few people have "
			"reported it (junk_feedback_min_reporters)",
			search->word);
		doveadm_exit_code = DOVEADM_EX_NOTFOUND;
	}
	junk_segment_close(&segment);
}

static void cmd_junk_token(struct doveadm_cmd_context *cctx)
{
	struct token_search search;

	i_zero(&search);
	if (!doveadm_cmd_param_str(cctx, "word", &search.word) ||
	    strpbrk(search.word, " \t\r\n<>") != NULL ||
	    *search.word == '\0') {
		i_error(COMMAND": exactly one word, address or host is "
			"required");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	search.pool = pool_alloconly_create(COMMAND, 4096);
	p_array_init(&search.tokens, search.pool, 32);
	p_array_init(&search.texts, search.pool, 32);
	find_tokens(&search);
	token_run(&search);
	pool_unref(&search.pool);
}

struct doveadm_cmd_ver2 doveadm_cmd_junk_token = {
	.name = "junk token",
	.usage = "<word|address|host>",
	.cmd = cmd_junk_token,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "word", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
