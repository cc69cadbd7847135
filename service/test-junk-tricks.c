/* Tests tricks that hide text from a filter, but not from a reader: the score
   of the same text changes by at most MAX_CHANGE points. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "base64.h"
#include "test-common.h"
#include "junk-learner.h"
#include "junk-tokenizer.h"

#include <glob.h>

/* points of the score */
#define MAX_CHANGE 5
/* messages of each class that are learned first, from the tree */
#define TRAINED 40
#define PEOPLE 4

#define HTML_HEADER \
	"Date: Mon, 02 Nov 2026 10:00:00 +0000\n" \
	"From: Jo <jo@new.example>\n" \
	"To: someone@example.net\n" \
	"Subject: Hello\n" \
	"MIME-Version: 1.0\n" \
	"Content-Type: text/html; charset=utf-8\n"

#define TEXT \
	"Cheap pharmacy pills without any prescription, lowest prices and " \
	"discreet shipping worldwide. Doctors recommend these tablets, " \
	"satisfaction guaranteed or your money back. "
#define HAM_TEXT \
	"The meeting about the release was moved to Thursday; please send " \
	"your patches and review comments to the list before that, so that " \
	"the build machines have some time for the test suite. "

/* the reported message, by another sender */
static const char reported[] =
	"From: Health Shop <shop@pills.example>\n"
	"Subject: Your discount\n\n"
	TEXT "http://pills.example/order\n";
static const char plain[] =
	HTML_HEADER "\n<html><body><p>" TEXT "</p></body></html>\n";

static const struct {
	const char *name, *message;
} tricks[] = {
	{ "invisible characters", HTML_HEADER "\n<html><body><p>"
	  "Ch\xe2\x80\x8b""eap phar\xe2\x80\x8dmacy pi\xef\xbb\xbflls without "
	  "any prescri\xe2\x81\xa0ption, low\xc2\xad""est pri&shy;ces and "
	  "discreet ship&#8203;ping worldwide. Doc&zwnj;tors recommend these "
	  "tab\xe2\x80\x8blets, satis&#x200b;faction guaranteed or your money "
	  "back. </p></body></html>\n" },
	{ "letters of other alphabets", HTML_HEADER "\n<html><body><p>"
	  "Ch\xd0\xb5\xd0\xb0p ph\xd0\xb0rm\xd0\xb0\xd1\x81y pills without "
	  "\xd0\xb0ny pr\xd0\xb5s\xd1\x81ription, l\xd0\xbew\xd0\xb5st "
	  "pri\xd1\x81\xd0\xb5s and dis\xd1\x81r\xd0\xb5\xd0\xb5t shipping "
	  "w\xd0\xberldwid\xd0\xb5. D\xd0\xbe\xd1\x81t\xd0\xbers "
	  "r\xd0\xb5\xd1\x81\xd0\xbemmend these t\xd0\xb0""blets, satisfaction "
	  "guaranteed or your money back. </p></body></html>\n" },
	{ "full-width letters, accents", HTML_HEADER "\n<html><body><p>"
	  "\xef\xbc\xa3\xef\xbd\x88\xef\xbd\x85\xef\xbd\x81\xef\xbd\x90 "
	  "ph\xc3\xa0rm\xc3\xa1""cy p\xc3\xacll\xc5\x9b without any "
	  "pr\xc3\xa8scription, lowest pric\xc3\xa9s and discreet shipping "
	  "worldwide. Doctors recommend these tabl\xc3\xaats, satisfaction "
	  "guaranteed or your m\xc3\xb6ney back. </p></body></html>\n" },
	{ "words split by tags", HTML_HEADER "\n<html><body><p>"
	  "Ch<b></b>eap phar<span>ma</span>cy pi<!-- x -->lls with<i></i>out "
	  "any pre<font size=\"2\">scrip</font>tion, low<b></b>est "
	  "pri<u></u>ces and discreet ship<span></span>ping worldwide. "
	  "Doc<!-- y -->tors recommend these tab<b></b>lets, satisfaction "
	  "guaranteed or your money back. </p></body></html>\n" },
	{ "entities", HTML_HEADER "\n<html><body><p>"
	  "&#67;&#104;&#101;&#97;&#112; &#x70;&#x68;&#x61;rmacy p&#105;lls "
	  "w&#105;thout any prescr&#x69;ption, lowest &#112;rices and discreet "
	  "shipping worldwide. Doctors recommend these t&#97;blets, "
	  "satisfaction guaranteed or your money back. </p></body></html>\n" },
	{ "good words that nobody sees", HTML_HEADER "\n<html><body>"
	  "<div style=\"display:none\">" HAM_TEXT "</div>"
	  "<span style=\"font-size:0\">" HAM_TEXT "</span><p>" TEXT
	  "</p></body></html>\n" },
	{ "tags that hide nothing", HTML_HEADER "\n<html><body><source hidden>"
	  "<td hidden><form><form hidden><dl><dt hidden><dd>"
	  "<div style=\"display:none;display:block\">"
	  "<div style=\"font-size:0\"><p style=\"font-size:13px\">" TEXT
	  "</p></div></div></body></html>\n" },
	{ "quoted-printable", HTML_HEADER
	  "Content-Transfer-Encoding: quoted-printable\n"
	  "\n<html><body><p>=43h=65ap pharm=\nacy pil=6Cs without any "
	  "prescri=\nption, lowest pr=69ces and discreet shipping worldwide. "
	  "Doctors recommend these tabl=65ts, satisfaction guaranteed or your "
	  "mon=65y back. </p></body></html>\n" },
};

static struct junk_tokenizer *tokenizer;

static void tokenize(struct istream *input, struct junk_message *msg_r)
{
	const char *error;

	test_assert(junk_tokenizer_read(tokenizer, input, NULL,
					pool_datastack_create(), msg_r,
					&error) == 0);
	i_stream_unref(&input);
}

static void tokenize_text(const char *text, struct junk_message *msg_r)
{
	tokenize(i_stream_create_from_data(text, strlen(text)), msg_r);
}

static void
learn(struct junk_learner *learner, const struct junk_message *msg,
      enum junk_verdict verdict, unsigned char person)
{
	struct junk_report report;

	i_zero(&report);
	report.verdict = verdict;
	report.origin = JUNK_ORIGIN_MOVE;
	report.feature_set = JUNK_FEATURE_SET;
	memset(report.reporter, person + 1, sizeof(report.reporter));
	junk_message_digest(msg, report.digest);
	report.tokens = array_get(&msg->tokens, &report.token_count);
	junk_learner_learn(learner, &report, 1);
}

static void
learn_files(struct junk_learner *learner, const char *pattern,
	    enum junk_verdict verdict)
{
	struct junk_message msg;
	glob_t files;

	if (glob(pattern, 0, NULL, &files) != 0 || files.gl_pathc < TRAINED)
		i_fatal("%s: too few messages", pattern);
	for (unsigned int i = 0; i < TRAINED; i++) T_BEGIN {
		tokenize(i_stream_create_file(files.gl_pathv[i], 8192), &msg);
		learn(learner, &msg, verdict, i % PEOPLE);
	} T_END;
	globfree(&files);
}

static int score(struct junk_learner *learner, const char *text)
{
	struct junk_message msg;
	struct junk_model model;
	struct junk_score s;

	tokenize_text(text, &msg);
	junk_learner_model(learner, &model);
	junk_model_score(&model, array_front(&msg.tokens),
			 array_count(&msg.tokens), NULL, &s);
	return s.score;
}

static const char *in_base64(void)
{
	string_t *str = t_str_new(1024);
	const char *body = strstr(plain, "\n\n") + 2;

	str_append(str, HTML_HEADER "Content-Transfer-Encoding: base64\n\n");
	base64_encode(body, strlen(body), str);
	str_append_c(str, '\n');
	return str_c(str);
}

static void test_junk_tricks(void)
{
	struct junk_learner_settings set;
	struct junk_learner *learner;
	struct junk_message msg;
	int base, other;

	test_begin("junk tricks");
	junk_learner_settings_init(&set);
	learner = junk_learner_init(&set);
	tokenizer = junk_tokenizer_init();
	learn_files(learner, TEST_DATA_DIR"/demo/spam/*.eml",
		    JUNK_VERDICT_SPAM);
	learn_files(learner, TEST_DATA_DIR"/demo/ham/*.eml", JUNK_VERDICT_HAM);
	tokenize_text(reported, &msg);
	learn(learner, &msg, JUNK_VERDICT_SPAM, 0);
	learn(learner, &msg, JUNK_VERDICT_SPAM, 1);

	base = score(learner, plain);
	test_assert(base >= 90);
	/* check that the words decide the score */
	other = score(learner, HTML_HEADER "\n<html><body><p>" HAM_TEXT
		      "</p></body></html>\n");
	test_assert(other < base - 2 * MAX_CHANGE);
	for (unsigned int i = 0; i < N_ELEMENTS(tricks); i++) {
		other = score(learner, tricks[i].message);
		if (abs(other - base) > MAX_CHANGE)
			i_error("%s: %d, %d", tricks[i].name, base, other);
		test_assert_idx(abs(other - base) <= MAX_CHANGE, i);
	}
	test_assert(abs(score(learner, in_base64()) - base) <= MAX_CHANGE);
	junk_tokenizer_deinit(&tokenizer);
	junk_learner_deinit(&learner);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_tricks,
		NULL
	};
	return test_run(test_functions);
}
