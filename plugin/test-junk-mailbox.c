#include "lib.h"
#include "test-common.h"
#include "mail-types.h"
#include "junk-mailbox.h"

static const char *const test_junk[] = { "junk", "junk e-mail", NULL };
static const char *const test_trash[] = { "trash", "papierkorb", NULL };
static const char *const test_ignore[] = { "drafts", "sent*", NULL };
static const char *const test_sent[] = { "sent items", NULL };
static const char *const test_unsure[] = { "maybe", NULL };

static const struct junk_mailbox_names test_names = {
	.junk = test_junk,
	.trash = test_trash,
	.ignore = test_ignore,
	.unsure = test_unsure,
	.sent = test_sent,
	.lazy_expunge = "EXPUNGED/",
};

static void test_junk_mailbox_names_split(void)
{
	static const struct {
		const char *value, *expect;
	} tests[] = {
		{ "", "" },
		{ "Junk", "junk" },
		{ "Junk E-mail", "junk e-mail" },
		{ " Junk , Spam ", "junk|spam" },
		{ "Junk E-mail, Spam", "junk e-mail|spam" },
		{ "Junk E-mail,", "junk e-mail" },
		{ "Lixo Eletr\xc3\x94nico", "lixo eletronico" },
		{ ",,", "" },
	};

	pool_t pool = pool_alloconly_create("names", 1024);

	test_begin("junk_mailbox_names_split()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		const char *const *names = junk_mailbox_names_split(
			pool, tests[i].value);
		test_assert_strcmp_idx(t_strarray_join(names, "|"),
				       tests[i].expect, i);
	} T_END;
	pool_unref(&pool);
	test_end();
}

static void test_junk_mailbox_special_use(void)
{
	static const struct {
		const char *special_use;
		bool found;
		enum junk_box kind;
	} tests[] = {
		{ "\\Junk", TRUE, JUNK_BOX_JUNK },
		{ "\\junk", TRUE, JUNK_BOX_JUNK },
		{ "\\Important \\Trash", TRUE, JUNK_BOX_OTHER },
		{ "\\Trash", TRUE, JUNK_BOX_TRASH },
		{ "\\Sent", TRUE, JUNK_BOX_SENT },
		{ "\\Drafts", TRUE, JUNK_BOX_IGNORE },
		{ "\\Archive", TRUE, JUNK_BOX_OTHER },
		{ "\\Unknown", FALSE, JUNK_BOX_OTHER },
		{ "", FALSE, JUNK_BOX_OTHER },
	};
	enum junk_box kind;

	test_begin("junk_mailbox_kind_by_special_use()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		kind = JUNK_BOX_OTHER;
		test_assert_idx(junk_mailbox_kind_by_special_use(
			tests[i].special_use, &kind) == tests[i].found, i);
		test_assert_idx(kind == tests[i].kind, i);
	} T_END;
	test_end();
}

static void test_junk_mailbox_kind_by_name(void)
{
	static const struct {
		const char *vname, *prefix;
		char sep;
		bool found;
		enum junk_box kind;
	} tests[] = {
		{ "Junk", "", '/', TRUE, JUNK_BOX_JUNK },
		{ "JUNK", "", '/', TRUE, JUNK_BOX_JUNK },
		{ "junk e-mail", "", '/', TRUE, JUNK_BOX_JUNK },
		{ "Junks", "", '/', FALSE, 0 },
		{ "Work", "", '/', FALSE, 0 },
		{ "Work/Junk", "", '/', FALSE, 0 },
		{ "Trash", "", '/', TRUE, JUNK_BOX_TRASH },
		{ "Sent Items", "", '/', TRUE, JUNK_BOX_SENT },
		{ "INBOX/Sent Items", "", '/', TRUE, JUNK_BOX_SENT },
		{ "Sent Others", "", '/', TRUE, JUNK_BOX_IGNORE },
		{ "Maybe", "", '/', TRUE, JUNK_BOX_UNSURE },
		{ "INBOX", "", '/', TRUE, JUNK_BOX_INBOX },
		{ "InBox", "", '/', TRUE, JUNK_BOX_INBOX },
		{ "INBOX/Junk", "", '/', TRUE, JUNK_BOX_JUNK },
		{ "INBOX.Junk", "", '.', TRUE, JUNK_BOX_JUNK },
		{ "INBOX.Junk", "", '/', FALSE, 0 },
		{ "INBOX.Junk", "INBOX.", '.', TRUE, JUNK_BOX_JUNK },
		{ "INBOX", "INBOX.", '.', TRUE, JUNK_BOX_INBOX },
		{ "INBOX.Work", "INBOX.", '.', FALSE, 0 },
		{ "shared/anna/Junk", "shared/anna/", '/', TRUE,
		  JUNK_BOX_JUNK },
		{ "shared/anna/INBOX", "shared/anna/", '/', TRUE,
		  JUNK_BOX_INBOX },
		{ "shared/anna/Work", "shared/anna/", '/', FALSE, 0 },
		{ "EXPUNGED/INBOX", "EXPUNGED/", '/', TRUE, JUNK_BOX_TRASH },
		{ "EXPUNGED/Junk", "EXPUNGED/", '/', TRUE, JUNK_BOX_TRASH },
		{ "EXPUNGEDX", "", '/', FALSE, 0 },
		{ "", "", '/', FALSE, 0 },
	};
	enum junk_box kind;

	test_begin("junk_mailbox_kind_by_name()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		kind = JUNK_BOX_OTHER;
		test_assert_idx(junk_mailbox_kind_by_name(
			&test_names, tests[i].vname, tests[i].prefix,
			tests[i].sep, &kind) == tests[i].found, i);
		if (tests[i].found)
			test_assert_idx(kind == tests[i].kind, i);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_mailbox_names_split,
		test_junk_mailbox_special_use,
		test_junk_mailbox_kind_by_name,
		NULL
	};
	return test_run(test_functions);
}
