#include "lib.h"
#include "test-common.h"
#include "junk-folder-name.h"

static void test_junk_folder_name_fold(void)
{
	/* that are the same folder */
	static const struct {
		const char *one, *other;
		bool same;
	} tests[] = {
		{ "Junk", "jUNK", TRUE },
		{ "Junk", "Junk2", FALSE },
		{ "", "", TRUE },
		/* case beyond ASCII */
		{ "\u0421\u043f\u0430\u043c", "\u0441\u041f\u0410\u041c", TRUE },
		{ "LEV\u00c9LSZEM\u00c9T", "Lev\u00e9lszem\u00e9t", TRUE },
		/* NFC and NFD: accents, kana, Hangul with and without a third */
		{ "Ind\u00e9sirables", "Inde\u0301sirables", TRUE },
		{ "\u30b8\u30e3\u30f3\u30af",
		  "\u30b7\u3099\u30e3\u30f3\u30af", TRUE },
		{ "\u30d1", "\u30cf\u309a", TRUE },
		{ "\u30cf", "\u30d1", FALSE },
		{ "\uc2a4\ud338", "\u1109\u1173\u1111\u1162\u11b7", TRUE },
		{ "\uc2a4\ud338", "\u1109\u1173\u1111\u1162", FALSE },
		/* no UTF-8 */
		{ "\xff\xfe", "\xff\xfe", TRUE },
		{ "\xff", "\xfe", FALSE },
	};

	test_begin("junk_folder_name_fold()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		test_assert_idx((strcmp(junk_folder_name_fold(tests[i].one),
					junk_folder_name_fold(tests[i].other)) ==
				 0) == tests[i].same, i);
	} T_END;
	test_end();
}

static void test_junk_folder_name_usual(void)
{
	static const struct {
		const char *name;
		bool usual, looks;
	} tests[] = {
		{ "Junk", TRUE, TRUE },
		{ "SPAM", TRUE, TRUE },
		{ "\u0421\u041f\u0410\u041c", TRUE, TRUE },
		{ "\u5783\u573e\u90ae\u4ef6", TRUE, TRUE },
		{ "\u8ff7\u60d1\u30e1\u30fc\u30eb", TRUE, TRUE },
		{ "Lixo Eletro\u0302nico", TRUE, TRUE },
		{ "U\u00f8nsket e-post", TRUE, TRUE },
		{ "Spamverdacht", TRUE, TRUE },
		/* somebody's own */
		{ "Old spam", FALSE, TRUE },
		{ "Work", FALSE, FALSE },
		{ "", FALSE, FALSE },
		/* deleted mail somewhere */
		{ "Sampah", FALSE, FALSE },
		{ "Basura", FALSE, FALSE },
	};
	const char *folded;

	test_begin("junk_folder_name_is_usual(), _looks_like_junk()");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		folded = junk_folder_name_fold(tests[i].name);
		test_assert_idx(junk_folder_name_is_usual(folded) ==
				tests[i].usual, i);
		test_assert_idx(junk_folder_name_looks_like_junk(folded) ==
				tests[i].looks, i);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_folder_name_fold,
		test_junk_folder_name_usual,
		NULL
	};
	return test_run(test_functions);
}
