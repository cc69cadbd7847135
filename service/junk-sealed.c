/* See junk-sealed.h. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "junk-limits.h"
#include "junk-key.h"
#include "junk-sealed.h"

#define SEALED_VERSION 1
#define SEALED_FIXED_BYTES 34
#define SEALED_TRUSTED 0x80

void junk_sealed_write(const struct junk_key *key,
		       const struct junk_report *report,
		       enum junk_sealed_flags flags, buffer_t *dest)
{
	unsigned char plain[SEALED_FIXED_BYTES +
			    JUNK_MAX_TOKENS * sizeof(junk_token_t)];
	unsigned char *p = plain + SEALED_FIXED_BYTES;

	i_assert(report->token_count <= JUNK_MAX_TOKENS);
	plain[0] = SEALED_VERSION;
	plain[1] = (unsigned char)flags |
		(report->uid == JUNK_REPORT_UID_TRUSTED ? SEALED_TRUSTED : 0);
	cpu16_to_le_unaligned(report->feature_set, plain + 2);
	cpu64_to_le_unaligned(report->stamp_usecs, plain + 4);
	cpu32_to_le_unaligned(report->size_bytes, plain + 12);
	memcpy(plain + 16, report->reporter, JUNK_REPORTER_BYTES);
	cpu16_to_le_unaligned((uint16_t)report->token_count, plain + 32);
	for (unsigned int i = 0; i < report->token_count; i++) {
		cpu64_to_le_unaligned(report->tokens[i], p);
		p += sizeof(junk_token_t);
	}
	junk_key_seal(key, plain, (size_t)(p - plain), dest);
}

int junk_sealed_read(const struct junk_key *key, const void *sealed,
		     size_t size, struct junk_report *report_r,
		     enum junk_sealed_flags *flags_r)
{
	buffer_t *plain = t_buffer_create(I_MAX(size, 64));
	const unsigned char *p;
	junk_token_t *tokens;

	i_zero(report_r);
	if (junk_key_unseal(key, sealed, size, plain) < 0 ||
	    plain->used < SEALED_FIXED_BYTES)
		return -1;
	p = plain->data;
	report_r->token_count = le16_to_cpu_unaligned(p + 32);
	if (p[0] != SEALED_VERSION ||
	    report_r->token_count > JUNK_MAX_TOKENS ||
	    plain->used != SEALED_FIXED_BYTES +
	    report_r->token_count * sizeof(junk_token_t))
		return -1;
	*flags_r = (enum junk_sealed_flags)(p[1] & ~SEALED_TRUSTED);
	report_r->uid = (p[1] & SEALED_TRUSTED) != 0 ?
		JUNK_REPORT_UID_TRUSTED : UINT32_MAX;
	report_r->feature_set = le16_to_cpu_unaligned(p + 2);
	report_r->stamp_usecs = le64_to_cpu_unaligned(p + 4);
	report_r->size_bytes = le32_to_cpu_unaligned(p + 12);
	memcpy(report_r->reporter, p + 16, JUNK_REPORTER_BYTES);

	p += SEALED_FIXED_BYTES;
	tokens = t_new(junk_token_t, report_r->token_count + 1);
	for (unsigned int i = 0; i < report_r->token_count; i++)
		tokens[i] = le64_to_cpu_unaligned(p + i * sizeof(*tokens));
	report_r->tokens = tokens;
	return 0;
}
