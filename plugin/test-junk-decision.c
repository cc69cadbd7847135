#include "lib.h"
#include "test-common.h"
#include "mail-types.h"
#include "junk-decision.h"

static void test_junk_decide_copy(void)
{
	static const struct {
		unsigned int case_num;
		enum junk_box from, to;
		enum junk_keywords keywords;
		enum junk_decision expect;
	} tests[] = {
		{ 1, JUNK_BOX_JUNK, JUNK_BOX_JUNK, 0, JUNK_DECIDE_NOTHING },
		{ 2, JUNK_BOX_JUNK, JUNK_BOX_TRASH, 0, JUNK_DECIDE_LEFT_JUNK },
		{ 3, JUNK_BOX_TRASH, JUNK_BOX_JUNK, 0,
		  JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK },
		{ 4, JUNK_BOX_TRASH, JUNK_BOX_INBOX, 0,
		  JUNK_DECIDE_HAM_IF_LEFT_JUNK },
		{ 5, JUNK_BOX_INBOX, JUNK_BOX_TRASH, 0, JUNK_DECIDE_NOTHING },
		{ 6, JUNK_BOX_IGNORE, JUNK_BOX_JUNK, 0, JUNK_DECIDE_NOTHING },
		{ 7, JUNK_BOX_JUNK, JUNK_BOX_OTHER, 0, JUNK_DECIDE_HAM },
		{ 7, JUNK_BOX_JUNK, JUNK_BOX_INBOX, 0, JUNK_DECIDE_HAM },
		{ 8, JUNK_BOX_JUNK, JUNK_BOX_IGNORE, 0, JUNK_DECIDE_NOTHING },
		{ 6, JUNK_BOX_SENT, JUNK_BOX_JUNK, 0, JUNK_DECIDE_NOTHING },
		{ 8, JUNK_BOX_JUNK, JUNK_BOX_SENT, 0, JUNK_DECIDE_NOTHING },
		{ 11, JUNK_BOX_UNSURE, JUNK_BOX_JUNK, 0, JUNK_DECIDE_SPAM },
		{ 11, JUNK_BOX_UNSURE, JUNK_BOX_INBOX, 0, JUNK_DECIDE_HAM },
		{ 11, JUNK_BOX_UNSURE, JUNK_BOX_TRASH, 0,
		  JUNK_DECIDE_NOTHING },
		{ 11, JUNK_BOX_JUNK, JUNK_BOX_UNSURE, 0, JUNK_DECIDE_NOTHING },
		{ 11, JUNK_BOX_INBOX, JUNK_BOX_UNSURE, 0,
		  JUNK_DECIDE_NOTHING },
		/* keywords that are carried along don't matter */
		{ 20, JUNK_BOX_JUNK, JUNK_BOX_INBOX, JUNK_KEYWORDS_JUNK,
		  JUNK_DECIDE_HAM },
		{ 20, JUNK_BOX_OTHER, JUNK_BOX_OTHER, JUNK_KEYWORDS_JUNK,
		  JUNK_DECIDE_NOTHING },
		{ 22, JUNK_BOX_INBOX, JUNK_BOX_INBOX, 0, JUNK_DECIDE_NOTHING },
		/* weak ham */
		{ 0, JUNK_BOX_INBOX, JUNK_BOX_OTHER, 0, JUNK_DECIDE_WEAK_HAM },
		{ 0, JUNK_BOX_INBOX, JUNK_BOX_OTHER, JUNK_KEYWORDS_NOT_JUNK,
		  JUNK_DECIDE_WEAK_HAM },
		{ 0, JUNK_BOX_INBOX, JUNK_BOX_OTHER, JUNK_KEYWORDS_JUNK,
		  JUNK_DECIDE_NOTHING },
		{ 0, JUNK_BOX_OTHER, JUNK_BOX_INBOX, 0, JUNK_DECIDE_NOTHING },
	};

	test_begin("junk_decide_copy()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(junk_decide_copy(tests[i].from, tests[i].to,
						 tests[i].keywords) ==
				tests[i].expect, i);
	}
	/* whatever comes into Junk is spam, or says nothing */
	for (unsigned int from = 0; from < JUNK_BOX_COUNT; from++) {
		enum junk_decision decision =
			junk_decide_copy((enum junk_box)from, JUNK_BOX_JUNK,
					 JUNK_KEYWORDS_NONE);
		test_assert_idx(decision == JUNK_DECIDE_SPAM ||
				decision == JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK ||
				decision == JUNK_DECIDE_NOTHING, from);
	}
	test_end();
}

static void test_junk_keywords_parse(void)
{
	static const struct {
		const char *keywords[4];
		enum junk_keywords expect;
	} tests[] = {
		{ { NULL }, JUNK_KEYWORDS_NONE },
		{ { "$Junk", NULL }, JUNK_KEYWORDS_JUNK },
		{ { "junk", NULL }, JUNK_KEYWORDS_JUNK },
		{ { "JUNK", NULL }, JUNK_KEYWORDS_JUNK },
		{ { "$NotJunk", NULL }, JUNK_KEYWORDS_NOT_JUNK },
		{ { "$notjunk", NULL }, JUNK_KEYWORDS_NOT_JUNK },
		{ { "NonJunk", NULL }, JUNK_KEYWORDS_NOT_JUNK },
		{ { "$Label1", "nonjunk", NULL }, JUNK_KEYWORDS_NOT_JUNK },
		{ { "$Junk", "NonJunk", NULL }, JUNK_KEYWORDS_BOTH },
		{ { "$JunkRecorded", NULL }, JUNK_KEYWORDS_NONE },
		{ { "$", "Junky", NULL }, JUNK_KEYWORDS_NONE },
	};

	test_begin("junk_keywords_parse()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(junk_keywords_parse(tests[i].keywords) ==
				tests[i].expect, i);
	}
	test_end();
}

static void test_junk_decide_keywords(void)
{
	enum { NONE = JUNK_KEYWORDS_NONE, JUNK = JUNK_KEYWORDS_JUNK,
	       NOT = JUNK_KEYWORDS_NOT_JUNK, BOTH = JUNK_KEYWORDS_BOTH };
	static const struct {
		enum junk_box box;
		unsigned int old, new;
		bool was_junk;
		enum junk_decision expect;
	} tests[] = {
		{ JUNK_BOX_INBOX, NONE, JUNK, FALSE, JUNK_DECIDE_SPAM },
		{ JUNK_BOX_OTHER, NOT, JUNK, FALSE, JUNK_DECIDE_SPAM },
		{ JUNK_BOX_INBOX, BOTH, JUNK, FALSE, JUNK_DECIDE_SPAM },
		{ JUNK_BOX_UNSURE, NONE, JUNK, FALSE, JUNK_DECIDE_SPAM },
		{ JUNK_BOX_JUNK, NONE, JUNK, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, NOT, JUNK, FALSE, JUNK_DECIDE_SPAM },
		{ JUNK_BOX_TRASH, NONE, JUNK, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_IGNORE, NONE, JUNK, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_SENT, NONE, JUNK, FALSE, JUNK_DECIDE_NOTHING },
		/* automatic or meant */
		{ JUNK_BOX_INBOX, NONE, NOT, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, NONE, NOT, TRUE, JUNK_DECIDE_HAM },
		{ JUNK_BOX_INBOX, JUNK, NOT, FALSE, JUNK_DECIDE_HAM },
		{ JUNK_BOX_INBOX, BOTH, NOT, FALSE, JUNK_DECIDE_HAM },
		{ JUNK_BOX_UNSURE, NONE, NOT, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, NONE, NOT, FALSE, JUNK_DECIDE_HAM_IF_KEPT },
		{ JUNK_BOX_JUNK, BOTH, NOT, FALSE, JUNK_DECIDE_HAM_IF_KEPT },
		{ JUNK_BOX_TRASH, NONE, NOT, FALSE, JUNK_DECIDE_NOTHING },
		/* both: neutral */
		{ JUNK_BOX_INBOX, NONE, BOTH, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, JUNK, BOTH, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, JUNK, BOTH, FALSE, JUNK_DECIDE_NOTHING },
		/* taken back */
		{ JUNK_BOX_INBOX, JUNK, NONE, FALSE, JUNK_DECIDE_RETRACT },
		{ JUNK_BOX_JUNK, JUNK, NONE, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, NOT, NONE, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, JUNK, JUNK, FALSE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, NONE, NONE, TRUE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, NOT, NONE, FALSE, JUNK_DECIDE_RETRACT_HAM },
		{ JUNK_BOX_JUNK, BOTH, NONE, FALSE, JUNK_DECIDE_NOTHING },
	};

	test_begin("junk_decide_keywords()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(junk_decide_keywords(
			tests[i].box, (enum junk_keywords)tests[i].old,
			(enum junk_keywords)tests[i].new, tests[i].was_junk,
			FALSE) ==
			tests[i].expect, i);
	}
	test_end();
}

/* A client that replaces all flags and knows no keywords says nothing. */
#define NONE JUNK_KEYWORDS_NONE
#define JUNK JUNK_KEYWORDS_JUNK
#define NOT JUNK_KEYWORDS_NOT_JUNK

static void test_junk_decide_replaced(void)
{
	static const struct {
		enum junk_box box;
		int old, new;
		enum junk_decision expect;
	} tests[] = {
		{ JUNK_BOX_INBOX, JUNK, NONE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, NOT, NONE, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, JUNK, NOT, JUNK_DECIDE_HAM },
		{ JUNK_BOX_INBOX, NOT, JUNK, JUNK_DECIDE_SPAM },
	};

	test_begin("junk_decide_keywords(): replaced");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(junk_decide_keywords(
			tests[i].box, (enum junk_keywords)tests[i].old,
			(enum junk_keywords)tests[i].new, FALSE, TRUE) ==
			tests[i].expect, i);
	}
	test_end();
}

static void test_junk_decide_void(void)
{
	test_begin("junk_decide_is_void()");
	test_assert(junk_decide_is_void(JUNK_BOX_JUNK, JUNK_BOX_TRASH,
					JUNK_KEYWORDS_NOT_JUNK));
	test_assert(!junk_decide_is_void(JUNK_BOX_JUNK, JUNK_BOX_TRASH,
					 JUNK_KEYWORDS_JUNK));
	test_assert(!junk_decide_is_void(JUNK_BOX_JUNK, JUNK_BOX_INBOX,
					 JUNK_KEYWORDS_NOT_JUNK));
	test_assert(!junk_decide_is_void(JUNK_BOX_INBOX, JUNK_BOX_TRASH,
					 JUNK_KEYWORDS_NOT_JUNK));
	test_end();
}

static void test_junk_decide_flags(void)
{
	static const struct {
		enum junk_box box;
		enum mail_flags old_flags, new_flags;
		enum junk_keywords keywords;
		enum junk_decision expect;
	} tests[] = {
		{ JUNK_BOX_INBOX, 0, MAIL_ANSWERED, 0, JUNK_DECIDE_WEAK_HAM },
		{ JUNK_BOX_INBOX, MAIL_SEEN, MAIL_SEEN | MAIL_FLAGGED, 0,
		  JUNK_DECIDE_WEAK_HAM },
		{ JUNK_BOX_OTHER, 0, MAIL_ANSWERED, 0, JUNK_DECIDE_WEAK_HAM },
		{ JUNK_BOX_INBOX, 0, MAIL_ANSWERED, JUNK_KEYWORDS_JUNK,
		  JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, 0, MAIL_SEEN, 0, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, MAIL_FLAGGED, 0, 0, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_INBOX, 0, MAIL_DELETED, 0, JUNK_DECIDE_LEFT_OTHER },
		{ JUNK_BOX_UNSURE, 0, MAIL_DELETED, 0, JUNK_DECIDE_LEFT_OTHER },
		{ JUNK_BOX_TRASH, 0, MAIL_DELETED, 0, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, 0, MAIL_FLAGGED, 0, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_JUNK, 0, MAIL_DELETED, 0, JUNK_DECIDE_LEFT_JUNK },
		{ JUNK_BOX_TRASH, 0, MAIL_FLAGGED, 0, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_IGNORE, 0, MAIL_ANSWERED, 0, JUNK_DECIDE_NOTHING },
		{ JUNK_BOX_UNSURE, 0, MAIL_FLAGGED, 0, JUNK_DECIDE_NOTHING },
	};

	test_begin("junk_decide_flags()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(junk_decide_flags(tests[i].box,
						  tests[i].old_flags,
						  tests[i].new_flags,
						  tests[i].keywords) ==
				tests[i].expect, i);
	}
	test_end();
}

static void test_junk_decide_append(void)
{
	test_begin("junk_decide_append()");
	test_assert(junk_decide_append(JUNK_BOX_JUNK) ==
		    JUNK_DECIDE_SPAM_UNLESS_LEFT_JUNK);
	test_assert(junk_decide_append(JUNK_BOX_INBOX) ==
		    JUNK_DECIDE_HAM_IF_LEFT_JUNK);
	test_assert(junk_decide_append(JUNK_BOX_OTHER) ==
		    JUNK_DECIDE_HAM_IF_LEFT_JUNK);
	test_assert(junk_decide_append(JUNK_BOX_SENT) ==
		    JUNK_DECIDE_NOTHING);
	test_assert(junk_decide_append(JUNK_BOX_IGNORE) ==
		    JUNK_DECIDE_NOTHING);
	test_assert(junk_decide_append(JUNK_BOX_TRASH) ==
		    JUNK_DECIDE_NOTHING);
	test_assert(junk_decide_append(JUNK_BOX_UNSURE) ==
		    JUNK_DECIDE_NOTHING);
	test_end();
}

static void test_junk_decide_is_kept(void)
{
	static const struct {
		enum junk_box box;
		enum mail_flags flags;
		enum junk_keywords keywords;
		bool kept;
	} tests[] = {
		{ JUNK_BOX_INBOX, MAIL_SEEN, JUNK_KEYWORDS_NONE, TRUE },
		{ JUNK_BOX_OTHER, MAIL_SEEN, JUNK_KEYWORDS_NONE, TRUE },
		{ JUNK_BOX_OTHER, MAIL_SEEN | MAIL_FLAGGED | MAIL_ANSWERED,
		  JUNK_KEYWORDS_NOT_JUNK, TRUE },
		{ JUNK_BOX_INBOX, 0, JUNK_KEYWORDS_NONE, FALSE },
		{ JUNK_BOX_INBOX, MAIL_FLAGGED | MAIL_ANSWERED,
		  JUNK_KEYWORDS_NOT_JUNK, FALSE },
		{ JUNK_BOX_INBOX, MAIL_SEEN | MAIL_DELETED,
		  JUNK_KEYWORDS_NONE, FALSE },
		{ JUNK_BOX_INBOX, MAIL_SEEN | MAIL_DRAFT,
		  JUNK_KEYWORDS_NONE, FALSE },
		{ JUNK_BOX_INBOX, MAIL_SEEN, JUNK_KEYWORDS_JUNK, FALSE },
		{ JUNK_BOX_INBOX, MAIL_SEEN, JUNK_KEYWORDS_BOTH, FALSE },
		{ JUNK_BOX_JUNK, MAIL_SEEN, JUNK_KEYWORDS_NONE, FALSE },
		{ JUNK_BOX_TRASH, MAIL_SEEN, JUNK_KEYWORDS_NONE, FALSE },
		{ JUNK_BOX_UNSURE, MAIL_SEEN, JUNK_KEYWORDS_NONE, FALSE },
		{ JUNK_BOX_IGNORE, MAIL_SEEN, JUNK_KEYWORDS_NONE, FALSE },
	};

	test_begin("junk_decide_is_kept");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(junk_decide_is_kept(tests[i].box,
			tests[i].flags, tests[i].keywords) == tests[i].kept,
			i);
	}
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_decide_copy,
		test_junk_decide_append,
		test_junk_keywords_parse,
		test_junk_decide_keywords,
		test_junk_decide_replaced,
		test_junk_decide_void,
		test_junk_decide_flags,
		test_junk_decide_is_kept,
		NULL
	};
	return test_run(test_functions);
}
