/* Message -> tokens: any bytes give a result within its limits, the same one
   however the message comes in pieces. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "fuzz.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-tokenizer.h"

/* A delivery has all of a small message in memory, a mailbox gives it in
   pieces. */
#define PIECE_BYTES 8192

static void
fuzz_tokenize(struct istream *input, struct junk_message *msg_r)
{
	const struct junk_tokenizer_settings set = {
		.authserv_id = "mx.example - arc:mx.example",
		.mx = "mx.example",
	};
	const char *error;

	if (junk_tokenize(input, &set, pool_datastack_create(), msg_r,
			  &error) < 0)
		i_panic("junk_tokenize() failed: %s", error);
	i_stream_unref(&input);
}

static void fuzz_check(const struct junk_message *msg)
{
	const junk_token_t *tokens;
	unsigned int count;

	tokens = array_get(&msg->tokens, &count);
	if (msg->group_count[0] > JUNK_MAX_GROUP_TOKENS ||
	    msg->group_count[1] > JUNK_MAX_GROUP_TOKENS ||
	    msg->group_count[0] + msg->group_count[1] != count)
		i_panic("%u tokens in the wrong groups", count);
	for (unsigned int i = 0; i < count; i++) {
		if (junk_token_class(tokens[i]) >= JUNK_TOKEN_CLASS_COUNT)
			i_panic("token %u has no class", i);
		for (unsigned int j = 0; j < i; j++) {
			if (tokens[i] == tokens[j])
				i_panic("token %u is there twice", i);
		}
	}
}

FUZZ_ONE(data, size)
{
	unsigned char digest[JUNK_DIGEST_BYTES], digest2[JUNK_DIGEST_BYTES];
	struct junk_message msg, msg2;
	struct istream *input;

	fuzz_tokenize(i_stream_create_from_data(data, size), &msg);
	fuzz_check(&msg);

	input = test_istream_create_data(data, size);
	test_istream_set_max_buffer_size(input, PIECE_BYTES);
	fuzz_tokenize(input, &msg2);
	junk_message_digest(&msg, digest);
	junk_message_digest(&msg2, digest2);
	if (!array_cmp(&msg.tokens, &msg2.tokens) ||
	    memcmp(digest, digest2, sizeof(digest)) != 0)
		i_panic("pieces give other tokens");
}
