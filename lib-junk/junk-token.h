#ifndef JUNK_TOKEN_H
#define JUNK_TOKEN_H

/* A token is a 64-bit number: its class in the upper 6 bits, and 58 bits of
   XXH3_64bits(text, seed = class). The text can't be recovered from the number
   except by guessing. The service maps the number by a keyed hash (PRF) before
   it is stored. */

typedef uint64_t junk_token_t;

#define JUNK_TOKEN_CLASS_SHIFT 58
#define JUNK_TOKEN_HASH_MASK ((UINT64_C(1) << JUNK_TOKEN_CLASS_SHIFT) - 1)

/* A message's tokens are collected in two groups, each with its own limit. */
enum junk_token_group {
	JUNK_TOKEN_GROUP_WORDS,
	JUNK_TOKEN_GROUP_STRUCTURE,

	JUNK_TOKEN_GROUP_COUNT
};

/* Sources of evidence. The sum of a source's weights is normalised by the
   number of its tokens, so that a long text doesn't outweigh the subject or a
   single URL. */
enum junk_token_source {
	JUNK_TOKEN_SOURCE_OTHER,
	JUNK_TOKEN_SOURCE_BODY,
	JUNK_TOKEN_SOURCE_SUBJECT,
	JUNK_TOKEN_SOURCE_SENDER,
	JUNK_TOKEN_SOURCE_URL,
	JUNK_TOKEN_SOURCE_PARTS,

	JUNK_TOKEN_SOURCE_COUNT
};

/* The numbers are stored in databases and frames: append only, never
   renumber. At most 64. */
enum junk_token_class {
	JUNK_TOKEN_BODY_WORD = 0,
	JUNK_TOKEN_SUBJECT_WORD = 1,
	JUNK_TOKEN_SENDER_ADDRESS = 2,
	JUNK_TOKEN_SENDER_DOMAIN = 3,
	JUNK_TOKEN_SENDER_NAME = 4,
	JUNK_TOKEN_REPLY_TO = 5,
	JUNK_TOKEN_URL_HOST = 6,
	JUNK_TOKEN_URL_DOMAIN = 7,
	JUNK_TOKEN_URL_PATH = 8,
	JUNK_TOKEN_ATTACHMENT = 9,
	JUNK_TOKEN_MEDIA_TYPE = 10,
	JUNK_TOKEN_CHARSET = 11,
	JUNK_TOKEN_MIME_SHAPE = 12,
	JUNK_TOKEN_AUTH_RESULT = 13,
	JUNK_TOKEN_RECIPIENTS = 14,
	JUNK_TOKEN_LIST = 15,
	JUNK_TOKEN_MAILER = 16,
	JUNK_TOKEN_SCRIPT = 17,
	JUNK_TOKEN_INVISIBLE = 18,
	JUNK_TOKEN_HEADER_WORD = 19,
	JUNK_TOKEN_HEADER_NAME = 20,
	JUNK_TOKEN_HTML = 21,
	JUNK_TOKEN_SIZE = 22,
	JUNK_TOKEN_CLIENT = 23,

	JUNK_TOKEN_CLASS_COUNT
};

static inline enum junk_token_class junk_token_class(junk_token_t token)
{
	return (enum junk_token_class)(token >> JUNK_TOKEN_CLASS_SHIFT);
}

static inline enum junk_token_group
junk_class_group(enum junk_token_class class)
{
	return class <= JUNK_TOKEN_SUBJECT_WORD ?
		JUNK_TOKEN_GROUP_WORDS : JUNK_TOKEN_GROUP_STRUCTURE;
}

/* The source of each class. Classes of a later version belong to the other
   source. */
extern const uint8_t
junk_token_sources[1 << (64 - JUNK_TOKEN_CLASS_SHIFT)];

static inline enum junk_token_source junk_token_source(junk_token_t token)
{
	return (enum junk_token_source)
		junk_token_sources[token >> JUNK_TOKEN_CLASS_SHIFT];
}

/* The name used in SQL, doveadm and documents, e.g. "sender-domain";
   "unknown" for a number without a class. */
const char *junk_token_class_name(unsigned int class_num);
/* Find a class by its name. Returns FALSE if there is none. */
bool junk_token_class_find(const char *name, enum junk_token_class *class_r);

static inline junk_token_t
junk_token_make(enum junk_token_class class, uint64_t hash)
{
	return ((junk_token_t)class << JUNK_TOKEN_CLASS_SHIFT) |
		(hash & JUNK_TOKEN_HASH_MASK);
}

/* Returns the token of a normalised text. */
junk_token_t junk_token_hash(enum junk_token_class class,
			     const void *text, size_t size);

#endif
