#include "lib.h"
#include "junk-token.h"

#include <xxhash.h>

static const char *const class_names[JUNK_TOKEN_CLASS_COUNT] = {
	[JUNK_TOKEN_BODY_WORD] = "body-word",
	[JUNK_TOKEN_SUBJECT_WORD] = "subject-word",
	[JUNK_TOKEN_SENDER_ADDRESS] = "sender-address",
	[JUNK_TOKEN_SENDER_DOMAIN] = "sender-domain",
	[JUNK_TOKEN_SENDER_NAME] = "sender-name",
	[JUNK_TOKEN_REPLY_TO] = "reply-to",
	[JUNK_TOKEN_URL_HOST] = "url-host",
	[JUNK_TOKEN_URL_DOMAIN] = "url-domain",
	[JUNK_TOKEN_URL_PATH] = "url-path",
	[JUNK_TOKEN_ATTACHMENT] = "attachment",
	[JUNK_TOKEN_MEDIA_TYPE] = "media-type",
	[JUNK_TOKEN_CHARSET] = "charset",
	[JUNK_TOKEN_MIME_SHAPE] = "mime-shape",
	[JUNK_TOKEN_AUTH_RESULT] = "auth-result",
	[JUNK_TOKEN_RECIPIENTS] = "recipients",
	[JUNK_TOKEN_LIST] = "list",
	[JUNK_TOKEN_MAILER] = "mailer",
	[JUNK_TOKEN_SCRIPT] = "script",
	[JUNK_TOKEN_INVISIBLE] = "invisible",
	[JUNK_TOKEN_HEADER_WORD] = "header-word",
	[JUNK_TOKEN_HEADER_NAME] = "header-name",
	[JUNK_TOKEN_HTML] = "html",
	[JUNK_TOKEN_SIZE] = "size",
	[JUNK_TOKEN_CLIENT] = "client",
};

const uint8_t junk_token_sources[1 << (64 - JUNK_TOKEN_CLASS_SHIFT)] = {
	[JUNK_TOKEN_BODY_WORD] = JUNK_TOKEN_SOURCE_BODY,
	[JUNK_TOKEN_SUBJECT_WORD] = JUNK_TOKEN_SOURCE_SUBJECT,
	[JUNK_TOKEN_SENDER_ADDRESS] = JUNK_TOKEN_SOURCE_SENDER,
	[JUNK_TOKEN_SENDER_DOMAIN] = JUNK_TOKEN_SOURCE_SENDER,
	[JUNK_TOKEN_SENDER_NAME] = JUNK_TOKEN_SOURCE_SENDER,
	[JUNK_TOKEN_REPLY_TO] = JUNK_TOKEN_SOURCE_SENDER,
	[JUNK_TOKEN_URL_HOST] = JUNK_TOKEN_SOURCE_URL,
	[JUNK_TOKEN_URL_DOMAIN] = JUNK_TOKEN_SOURCE_URL,
	[JUNK_TOKEN_URL_PATH] = JUNK_TOKEN_SOURCE_URL,
	[JUNK_TOKEN_ATTACHMENT] = JUNK_TOKEN_SOURCE_PARTS,
	[JUNK_TOKEN_MEDIA_TYPE] = JUNK_TOKEN_SOURCE_PARTS,
	[JUNK_TOKEN_CHARSET] = JUNK_TOKEN_SOURCE_PARTS,
	[JUNK_TOKEN_MIME_SHAPE] = JUNK_TOKEN_SOURCE_PARTS,
	[JUNK_TOKEN_HTML] = JUNK_TOKEN_SOURCE_PARTS,
};

const char *junk_token_class_name(unsigned int class_num)
{
	return class_num < JUNK_TOKEN_CLASS_COUNT ?
		class_names[class_num] : "unknown";
}

bool junk_token_class_find(const char *name, enum junk_token_class *class_r)
{
	for (unsigned int i = 0; i < JUNK_TOKEN_CLASS_COUNT; i++) {
		if (strcmp(class_names[i], name) == 0) {
			*class_r = (enum junk_token_class)i;
			return TRUE;
		}
	}
	return FALSE;
}

junk_token_t junk_token_hash(enum junk_token_class class,
			     const void *text, size_t size)
{
	return junk_token_make(class, XXH3_64bits_withSeed(text, size, class));
}
