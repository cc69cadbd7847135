/* See junk-rate.h. */

#include "lib.h"
#include "buffer.h"
#include "byteorder.h"
#include "hash.h"
#include "randgen.h"
#include "junk-rate.h"

#include <sodium.h>

/* Export format: u64 hour, then for each reporter 16 bytes and a u32. */
#define HEADER_BYTES 8
#define ENTRY_BYTES (JUNK_REPORTER_BYTES + 4)

struct junk_rate_entry {
	unsigned char reporter[JUNK_REPORTER_BYTES];
	unsigned int count;
};

struct junk_rate {
	pool_t pool;
	HASH_TABLE(const unsigned char *, struct junk_rate_entry *) entries;
	uint64_t hour;
};

/* The hash key is random in each process, so that nobody can invent identities
   that collide. */
static unsigned char rate_key[crypto_shorthash_KEYBYTES];

static unsigned int reporter_hash(const unsigned char *reporter)
{
	unsigned char hash[crypto_shorthash_BYTES];

	(void)crypto_shorthash(hash, reporter, JUNK_REPORTER_BYTES, rate_key);
	return le32_to_cpu_unaligned(hash);
}

static int reporter_cmp(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, JUNK_REPORTER_BYTES);
}

static void junk_rate_clear(struct junk_rate *rate)
{
	hash_table_clear(rate->entries, FALSE);
	p_clear(rate->pool);
}

struct junk_rate *junk_rate_init(void)
{
	static const unsigned char no_key[sizeof(rate_key)];
	struct junk_rate *rate = i_new(struct junk_rate, 1);

	if (memcmp(rate_key, no_key, sizeof(rate_key)) == 0)
		random_fill(rate_key, sizeof(rate_key));
	rate->pool = pool_alloconly_create("junk rate", 4096);
	hash_table_create(&rate->entries, default_pool, 0,
			  reporter_hash, reporter_cmp);
	return rate;
}

void junk_rate_deinit(struct junk_rate **_rate)
{
	struct junk_rate *rate = *_rate;

	if (rate == NULL)
		return;
	*_rate = NULL;
	hash_table_destroy(&rate->entries);
	pool_unref(&rate->pool);
	i_free(rate);
}

static void junk_rate_set_hour(struct junk_rate *rate, time_t now)
{
	const uint64_t hour = now < 0 ? 0 : (uint64_t)now / 3600;

	/* if the clock goes back by more than an hour, it was wrong */
	if (hour > rate->hour || hour + 1 < rate->hour) {
		rate->hour = hour;
		junk_rate_clear(rate);
	}
}

/* Returns NULL if there are too many reporters. */
static struct junk_rate_entry *
junk_rate_lookup(struct junk_rate *rate,
		 const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	struct junk_rate_entry *entry =
		hash_table_lookup(rate->entries, reporter);

	if (entry != NULL ||
	    hash_table_count(rate->entries) >= JUNK_RATE_MAX_REPORTERS)
		return entry;
	entry = p_new(rate->pool, struct junk_rate_entry, 1);
	memcpy(entry->reporter, reporter, JUNK_REPORTER_BYTES);
	hash_table_insert(rate->entries,
			  (const unsigned char *)entry->reporter, entry);
	return entry;
}

unsigned int
junk_rate_add(struct junk_rate *rate, time_t now,
	      const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	struct junk_rate_entry *entry;

	junk_rate_set_hour(rate, now);
	entry = junk_rate_lookup(rate, reporter);
	return entry == NULL ? 1 : ++entry->count;
}

unsigned int
junk_rate_get(struct junk_rate *rate, time_t now,
	      const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	const struct junk_rate_entry *entry;

	junk_rate_set_hour(rate, now);
	entry = hash_table_lookup(rate->entries, reporter);
	return entry == NULL ? 0 : entry->count;
}

void junk_rate_undo(struct junk_rate *rate,
		    const unsigned char reporter[JUNK_REPORTER_BYTES])
{
	struct junk_rate_entry *entry =
		hash_table_lookup(rate->entries, reporter);

	if (entry != NULL && entry->count > 0)
		entry->count--;
}

void junk_rate_export(const struct junk_rate *rate, buffer_t *dest)
{
	struct hash_iterate_context *iter;
	const unsigned char *reporter;
	struct junk_rate_entry *entry;
	unsigned char number[8];

	cpu64_to_le_unaligned(rate->hour, number);
	buffer_append(dest, number, HEADER_BYTES);
	iter = hash_table_iterate_init(rate->entries);
	while (hash_table_iterate(iter, rate->entries, &reporter, &entry)) {
		cpu32_to_le_unaligned(entry->count, number);
		buffer_append(dest, reporter, JUNK_REPORTER_BYTES);
		buffer_append(dest, number, 4);
	}
	hash_table_iterate_deinit(&iter);
}

int junk_rate_import(struct junk_rate *rate, const void *data, size_t size)
{
	const unsigned char *p = data, *end = p + size;
	struct junk_rate_entry *entry;

	junk_rate_clear(rate);
	rate->hour = 0;
	if (size < HEADER_BYTES || (size - HEADER_BYTES) % ENTRY_BYTES != 0 ||
	    (size - HEADER_BYTES) / ENTRY_BYTES > JUNK_RATE_MAX_REPORTERS)
		return -1;
	rate->hour = le64_to_cpu_unaligned(p);
	for (p += HEADER_BYTES; p < end; p += ENTRY_BYTES) {
		entry = junk_rate_lookup(rate, p);
		entry->count = le32_to_cpu_unaligned(p + JUNK_REPORTER_BYTES);
	}
	return 0;
}
