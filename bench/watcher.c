/* Measures what an observer who may read the segment learns about a single
   report by watching it.

     watcher INDEX SEGMENT PER_MINUTE DELAY_SECS

   USERS people report the mails of INDEX (corpus.h): WARM_UP of them before the
   observer begins, then PER_MINUTE per minute. The observer has a list of the
   LIST_WORDS most frequent words, and knows when each report was made. For each
   report, and after each of several times, the guess is that it has the GUESSES
   words of the list whose shared weights have changed most since then. For each
   of these times, the program prints how many guesses are right, and how many
   of the same words are in an unrelated report. The latter is chance, since a
   word that is in every other mail reveals nothing. */

#include "lib.h"
#include "array.h"
#include "sort.h"
#include "corpus.h"
#include "junk-learner.h"
#include "junk-limits.h"
#include "junk-publisher.h"
#include "junk-segment.h"

#include <math.h>
#include <stdio.h>

#define USERS 100
#define WARM_UP 2000
#define WATCHED 300
#define LIST_WORDS 5000
#define GUESSES 40
#define BEGIN 1700000000

static const unsigned int waits[] = { 1, 5, 15, 30, 60, 120, 180, 300 };
#define MAX_WAIT 300

struct watched_word {
	junk_token_t token;
	unsigned int count;
	size_t idx;
	int change;
};

struct watched_report {
	const struct corpus_mail *mail;
	time_t time;
};

struct watcher {
	struct corpus corpus;
	struct corpus_random random;
	struct junk_learner *learner;
	struct junk_publisher *publisher;
	struct junk_segment *segment;
	ARRAY(struct watched_word) list;
	ARRAY(struct watched_report) reports;
	/* LIST_WORDS weights for each second */
	ARRAY(int16_t) history;
	unsigned int list_count, serial;
};

static int token_cmp(const junk_token_t *t1, const junk_token_t *t2)
{
	return *t1 < *t2 ? -1 : *t1 > *t2 ? 1 : 0;
}

static int
word_count_cmp(const struct watched_word *w1, const struct watched_word *w2)
{
	return w1->count > w2->count ? -1 : w1->count < w2->count ? 1 : 0;
}

static int
word_change_cmp(const struct watched_word *w1, const struct watched_word *w2)
{
	return abs(w1->change) > abs(w2->change) ? -1 :
		abs(w1->change) < abs(w2->change) ? 1 : 0;
}

static void watcher_make_list(struct watcher *w)
{
	const struct corpus_mail *mail;
	ARRAY(junk_token_t) all;
	const junk_token_t *token;
	struct watched_word *word = NULL;

	i_array_init(&all, 1024*1024);
	array_foreach(&w->corpus.mails, mail) {
		for (unsigned int i = 0; i < mail->token_count; i++) {
			enum junk_token_class class =
				junk_token_class(mail->tokens[i]);

			if (class == JUNK_TOKEN_BODY_WORD ||
			    class == JUNK_TOKEN_SUBJECT_WORD)
				array_push_back(&all, &mail->tokens[i]);
		}
	}
	array_sort(&all, token_cmp);
	i_array_init(&w->list, 100000);
	array_foreach(&all, token) {
		if (word == NULL || word->token != *token) {
			word = array_append_space(&w->list);
			word->token = *token;
		}
		word->count++;
	}
	array_sort(&w->list, word_count_cmp);
	w->list_count = I_MIN(array_count(&w->list), LIST_WORDS);
	array_delete(&w->list, w->list_count,
		     array_count(&w->list) - w->list_count);
	array_free(&all);
}

static void
watcher_report(struct watcher *w, const struct corpus_mail *mail, time_t now)
{
	const uint64_t person = corpus_random_next(&w->random) % USERS;
	struct junk_report report = {
		.stamp_usecs = (uint64_t)now * 1000000,
		.verdict = mail->spam ? JUNK_VERDICT_SPAM : JUNK_VERDICT_HAM,
		.origin = JUNK_ORIGIN_MOVE,
		.feature_set = JUNK_FEATURE_SET,
		.tokens = mail->tokens,
		.token_count = mail->token_count,
	};

	w->serial++;
	memcpy(report.reporter, &person, sizeof(person));
	memcpy(report.digest, &w->serial, sizeof(w->serial));
	junk_learner_learn(w->learner, &report, 1);
	junk_publisher_update(w->publisher, now);
}

static void watcher_look(struct watcher *w)
{
	const struct watched_word *word;
	struct junk_model model;
	const char *reason;

	if (junk_segment_get(w->segment, BEGIN, &model, &reason) < 0)
		i_fatal("%s", reason);
	array_foreach(&w->list, word)
		array_push_back(&w->history, &model.weights[word->idx]);
}

static void watcher_run(struct watcher *w, unsigned int per_minute)
{
	const struct corpus_mail *mails;
	unsigned int count, next = WARM_UP;
	time_t now = BEGIN;
	double due = 0;

	mails = array_get(&w->corpus.mails, &count);
	if (count < WARM_UP + WATCHED)
		i_fatal("the corpus is too small");
	for (unsigned int i = 0; i < WARM_UP; i++)
		watcher_report(w, &mails[i], now);
	junk_publisher_flush(w->publisher, now);
	watcher_look(w);
	for (; next < WARM_UP + WATCHED || now < BEGIN + MAX_WAIT; ) {
		now++;
		for (due += per_minute / 60.0;
		     due >= 1 && next < WARM_UP + WATCHED; due--) {
			struct watched_report report = { &mails[next++], now };

			watcher_report(w, report.mail, now);
			array_push_back(&w->reports, &report);
		}
		junk_publisher_tick(w->publisher, now);
		watcher_look(w);
	}
	for (unsigned int i = 0; i < MAX_WAIT; i++) {
		junk_publisher_tick(w->publisher, ++now);
		watcher_look(w);
	}
}

static bool mail_has(const struct corpus_mail *mail, junk_token_t token)
{
	for (unsigned int i = 0; i < mail->token_count; i++) {
		if (mail->tokens[i] == token)
			return TRUE;
	}
	return FALSE;
}

/* Count the right guesses about a report after a time, and those by chance. */
static void
watcher_guess(struct watcher *w, const struct watched_report *report,
	      unsigned int wait, struct watched_word *words,
	      unsigned int *hits_r, unsigned int *chance_r)
{
	const struct watched_report *other;
	const int16_t *before, *after;
	const size_t second = (size_t)(report->time - BEGIN);

	before = array_idx(&w->history, (second - 1) * w->list_count);
	after = array_idx(&w->history, (second - 1 + wait) * w->list_count);
	memcpy(words, array_front(&w->list), w->list_count * sizeof(*words));
	for (unsigned int i = 0; i < w->list_count; i++)
		words[i].change = after[i] - before[i];
	i_qsort(words, w->list_count, sizeof(*words), word_change_cmp);
	other = array_idx(&w->reports, corpus_random_next(&w->random) %
			  array_count(&w->reports));
	*hits_r = *chance_r = 0;
	for (unsigned int i = 0; i < GUESSES; i++) {
		/* nothing has changed, so guess any word */
		if (words[i].change == 0)
			words[i] = *(const struct watched_word *)array_idx(
				&w->list, corpus_random_next(&w->random) %
				w->list_count);
		*hits_r += mail_has(report->mail, words[i].token) ? 1 : 0;
		*chance_r += mail_has(other->mail, words[i].token) ? 1 : 0;
	}
}

static void watcher_print(struct watcher *w)
{
	struct watched_word *words =
		i_new(struct watched_word, w->list_count);
	const struct watched_report *report;
	double most = 0;

	for (unsigned int i = 0; i < N_ELEMENTS(waits); i++) {
		unsigned int hits, chance, all_hits = 0, all_chance = 0;
		double guesses = (double)GUESSES * array_count(&w->reports);

		array_foreach(&w->reports, report) {
			watcher_guess(w, report, waits[i], words, &hits,
				      &chance);
			all_hits += hits;
			all_chance += chance;
		}
		printf("after_%u_secs=%.1f chance=%.1f\n", waits[i],
		       100 * all_hits / guesses, 100 * all_chance / guesses);
		most = I_MAX(most, 100 * ((double)all_hits - all_chance) /
			     guesses);
	}
	printf("most_points_above_chance=%.1f\n", most);
	i_free(words);
}

int main(int argc, char *argv[])
{
	struct junk_learner_settings set;
	struct watched_word *word;
	struct junk_model model;
	struct watcher w;
	const char *error;
	int fd;

	lib_init();
	if (argc != 5)
		i_fatal("usage: watcher INDEX SEGMENT PER_MINUTE DELAY_SECS");
	i_zero(&w);
	if (corpus_read(argv[1], FALSE, &w.corpus, &error) < 0)
		i_fatal("%s", error);
	corpus_shuffle(&w.corpus, &w.random);
	watcher_make_list(&w);
	junk_learner_settings_init(&set);
	set.seed = corpus_random_next(&w.random);
	w.learner = junk_learner_init(&set);
	fd = junk_publisher_prepare(argv[2], (uid_t)-1, (gid_t)-1, 0600,
				    &error);
	if (fd == -1 ||
	    junk_publisher_init(argv[2], fd, (unsigned int)atoi(argv[4]),
				w.learner, BEGIN, &w.publisher, &error) < 0)
		i_fatal("%s", error);
	w.segment = junk_segment_open(argv[2]);
	junk_learner_model(w.learner, &model);
	array_foreach_modifiable(&w.list, word)
		word->idx = junk_model_index(&model, word->token);
	i_array_init(&w.reports, WATCHED);
	i_array_init(&w.history, 1024*1024);
	watcher_run(&w, (unsigned int)atoi(argv[3]));
	watcher_print(&w);

	junk_publisher_deinit(&w.publisher);
	junk_segment_close(&w.segment);
	junk_learner_deinit(&w.learner);
	array_free(&w.list);
	array_free(&w.reports);
	array_free(&w.history);
	corpus_free(&w.corpus);
	i_close_fd(&fd);
	i_unlink(argv[2]);
	lib_deinit();
	return 0;
}
