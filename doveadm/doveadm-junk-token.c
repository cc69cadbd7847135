/* doveadm junk token: what is known of a word, an address or a host that the
   administrator names. The service answers only for what enough people have
   reported. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
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

/* The word alone, in whatever class; not what is around it. Structure is
   written with what it belongs to ("local:offer"), a capitalised word is
   marked ("offer^"). */
static bool text_is_word(const char *text, const char *word)
{
	size_t len = strlen(word), text_len = strlen(text);

	if (text_len > 0 && text[text_len - 1] == '^')
		text_len--;
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

/* The tokenizer itself says how the word is written as a token: of a message
   that has it in all places. */
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

	/* memory can't fail to be read */
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

/* "class spam ham reporters" of the N-th token; NULL = few people know it */
static const char *const *
answer_find(const ARRAY_TYPE(junk_key_values) *answer, unsigned int idx)
{
	const char *key = t_strdup_printf("%u", idx);
	const struct junk_key_value *kv;
	const char *const *words;

	array_foreach(answer, kv) {
		words = t_strsplit(kv->value, " ");
		if (strcmp(kv->key, key) == 0 && str_array_length(words) == 4)
			return words;
	}
	return NULL;
}

static void
print_tokens(const struct token_search *search, const struct junk_model *model,
	     const ARRAY_TYPE(junk_key_values) *answer)
{
	const junk_token_t *tokens;
	const char *const *texts;
	unsigned int count;

	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("class");
	doveadm_print_header_simple("token");
	doveadm_print_header_simple("spam");
	doveadm_print_header_simple("ham");
	doveadm_print_header_simple("people");
	doveadm_print_header_simple("weight");
	tokens = array_get(&search->tokens, &count);
	texts = array_front(&search->texts);
	for (unsigned int i = 0; i < count; i++) T_BEGIN {
		const char *const *words = answer_find(answer, i);

		if (words != NULL) {
			doveadm_print(junk_token_class_name(
				junk_token_class(tokens[i])));
			doveadm_print(texts[i]);
			for (unsigned int j = 1; j < 4; j++)
				doveadm_print(words[j]);
			doveadm_print(weight_of(model, tokens[i]));
		}
	} T_END;
}

static int
lookup(const struct token_search *search, ARRAY_TYPE(junk_key_values) *answer,
       const char **error_r)
{
	buffer_t *frame = t_buffer_create(1024);
	unsigned int count;
	const junk_token_t *tokens = array_get(&search->tokens, &count);

	junk_frame_encode_lookup(frame, tokens, count);
	return doveadm_junk_service_admin(JUNK_FRAME_LOOKUP,
		CONST_PTR_OFFSET(frame->data, JUNK_FRAME_HEADER_BYTES),
		frame->used - JUNK_FRAME_HEADER_BYTES, answer, error_r);
}

static void token_run(struct token_search *search)
{
	ARRAY_TYPE(junk_key_values) answer;
	struct junk_segment *segment;
	struct junk_model model;
	const char *error;
	bool have_model;

	t_array_init(&answer, 16);
	if (lookup(search, &answer, &error) < 0) {
		i_error(COMMAND": %s", error);
		doveadm_exit_code = EX_UNAVAILABLE;
		return;
	}
	if (array_count(&answer) == 0) {
		i_error(COMMAND": nothing is known of \"%s\", or too few people "
			"have reported it (junk_feedback_min_reporters)",
			search->word);
		doveadm_exit_code = DOVEADM_EX_NOTFOUND;
		return;
	}
	segment = junk_segment_open(doveadm_junk_segment_path());
	have_model = junk_segment_get(segment, ioloop_time, &model,
				      &error) == 0;
	print_tokens(search, have_model ? &model : NULL, &answer);
	junk_segment_close(&segment);
}

static void cmd_junk_token(struct doveadm_cmd_context *cctx)
{
	struct token_search search;

	i_zero(&search);
	if (!doveadm_cmd_param_str(cctx, "word", &search.word) ||
	    strpbrk(search.word, " \t\r\n<>") != NULL ||
	    *search.word == '\0') {
		i_error(COMMAND": say one word, address or host");
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
