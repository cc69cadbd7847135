/* Fuzzes the readers of messages: who the sender is, and the tokenizer: any bytes give a result within the limits that doesn't
   depend on how the message is split into blocks, and cost at most a few times
   as much as an ordinary message of the same size. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "fuzz.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-sender.h"
#include "junk-tokenizer.h"

/* Maximum cost of a message as a multiple of an ordinary one of its size.
   lib-junk/mail/test-growth.py counts instructions; here, memory loads of
   lib-junk are counted (fuzz.h), without those of libraries. */
#define MAX_SHARE 6
/* Size of the ordinary message, and the minimum size for the comparison. */
#define ORDINARY_BYTES (32*1024)
#define SMALLEST_BYTES 8192
/* A message that costs another eighth of an ordinary one counts as new
   coverage, so that libFuzzer is led to more expensive ones. */
#define COST_STEP 8

/* A message is tokenised at once and in blocks, since a delivery has a small
   message in memory, and a mailbox reads it in blocks. */
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

#ifdef __clang__
static uint8_t cost_counters[COST_STEP * (MAX_SHARE + 1)]
	__attribute__((section("__libfuzzer_extra_counters")));

static void fuzz_set_cost(unsigned int step)
{
	cost_counters[I_MIN(step, sizeof(cost_counters) - 1)] = 1;
}
#else
/* builds of replay.c don't count loads */
static void fuzz_set_cost(unsigned int step ATTR_UNUSED)
{
}
#endif

static uint64_t fuzz_count_loads(const uint8_t *data, size_t size)
{
	const uint64_t before = fuzz_loads_count;
	struct junk_message msg;

	T_BEGIN {
		fuzz_tokenize(i_stream_create_from_data(data, size), &msg);
	} T_END;
	return fuzz_loads_count - before;
}

/* Returns the loads for an ordinary message. */
static uint64_t fuzz_ordinary_loads(void)
{
	static const char head[] = "Content-Type: text/html\n\n<table>";
	static const char row[] =
		"<tr><td style='font-family:Arial;font-size:14px;color:#333'>"
		"<a href='https://www.shop.example/item/1'>Special offer</a> "
		"for our customers, only this week.</td></tr>\n";
	static uint64_t loads = 0;

	if (loads == 0) {
		buffer_t *mail = buffer_create_dynamic(default_pool,
						       2 * ORDINARY_BYTES);

		buffer_append(mail, head, sizeof(head) - 1);
		while (mail->used < ORDINARY_BYTES)
			buffer_append(mail, row, sizeof(row) - 1);
		loads = fuzz_count_loads(mail->data, mail->used);
		buffer_free(&mail);
	}
	return loads;
}

static void fuzz_check_cost(const uint8_t *data, size_t size)
{
	const uint64_t ordinary = fuzz_ordinary_loads() *
		I_MAX(size, SMALLEST_BYTES) / ORDINARY_BYTES;
	const uint64_t loads = fuzz_count_loads(data, size);

	if (ordinary == 0)
		return;
	fuzz_set_cost((unsigned int)(loads * COST_STEP / ordinary));
	if (loads > ordinary * MAX_SHARE) {
		i_panic("%zu bytes cost %"PRIu64" loads, an ordinary message "
			"of that size %"PRIu64, size, loads, ordinary);
	}
}

static void fuzz_check_address(const char *address, void *context ATTR_UNUSED)
{
	if (strlen(address) > JUNK_MAX_ADDRESS_BYTES ||
	    strchr(address, '@') == NULL)
		i_panic("not an address: %s", address);
}

static void fuzz_addresses(const uint8_t *data, size_t size)
{
	struct istream *input = i_stream_create_from_data(data, size);
	const char *address = junk_sender_read(input, "mx.example");

	if (address != NULL)
		fuzz_check_address(address, NULL);
	junk_recipients_read(input, fuzz_check_address, NULL);
	i_stream_unref(&input);
}

FUZZ_ONE(data, size)
{
	unsigned char digest[JUNK_DIGEST_BYTES], digest2[JUNK_DIGEST_BYTES];
	struct junk_message msg, msg2;
	struct istream *input;

	fuzz_addresses(data, size);
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
	fuzz_check_cost(data, size);
}
