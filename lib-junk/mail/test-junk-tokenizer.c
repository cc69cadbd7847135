/* Tests the tokenizer: tricks that hide or disguise words, HTML that is visible
   or hidden, and limits. All messages of an array must give the expected
   tokens. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "message-parser.h"
#include "test-common.h"
#include "junk-limits.h"
#include "junk-tokenizer.h"

/* Append "class<TAB>text\n" for each token. */
static void
token_text(junk_token_t token, const char *text, void *context)
{
	string_t *dest = context;

	str_printfa(dest, "%s\t%s\n",
		    junk_token_class_name(junk_token_class(token)), text);
}

static void
tokenize(const void *data, size_t size, struct junk_message *msg_r,
	 string_t *text)
{
	const struct junk_tokenizer_settings set = {
		.authserv_id = "mx.example",
		.mx = "mx.example",
		.token_callback = token_text,
		.token_context = text,
	};
	struct istream *input = i_stream_create_from_data(data, size);
	const char *error;

	test_assert(junk_tokenize(input, text == NULL ? NULL : &set,
				  pool_datastack_create(), msg_r,
				  &error) == 0);
	i_stream_unref(&input);
}

static void test_words_equal(const char *a, const char *b, unsigned int idx)
{
	string_t *text_a = str_new(default_pool, 256);
	string_t *text_b = str_new(default_pool, 256);
	struct junk_message msg;
	const char *const *lines;

	tokenize(a, strlen(a), &msg, text_a);
	tokenize(b, strlen(b), &msg, text_b);
	/* each word of a must be in b */
	for (lines = t_strsplit(str_c(text_a), "\n"); *lines != NULL; lines++) {
		if (strncmp(*lines, "body-word", 9) != 0)
			continue;
		if (strstr(str_c(text_b), t_strconcat(*lines, "\n", NULL)) ==
		    NULL)
			i_error("missing word: %s", *lines);
		test_assert_idx(strstr(str_c(text_b),
				       t_strconcat(*lines, "\n", NULL)) !=
				NULL, idx);
	}
	str_free(&text_a);
	str_free(&text_b);
}

/* Results count of a trusted host only, not of another name of the same
   length. */
static void test_junk_tokenizer_authserv(void)
{
	static const struct {
		const char *host;
		bool ours;
	} tests[] = {
		{ "mx.example", TRUE }, { "MX.Example", TRUE },
		{ "mx.exampla", FALSE }, { "my.example", FALSE },
		{ "mx.exampl", FALSE }, { "mx.examples", FALSE },
	};

	test_begin("Authentication-Results of our host and of others");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		string_t *text = t_str_new(256);
		const char *mail = t_strdup_printf(
			"Authentication-Results: %s; spf=pass\n\nhello\n",
			tests[i].host);
		struct junk_message msg;

		tokenize(mail, strlen(mail), &msg, text);
		test_assert_idx((strstr(str_c(text), "auth-result\t") !=
				 NULL) == tests[i].ours, i);
	} T_END;
	test_end();
}

static void test_junk_tokenizer_tricks(void)
{
	static const char plain[] =
		"\nbuy cheap viagra now\n";
	static const char *const tricks[] = {
		/* letter case, fullwidth, mathematical, circled */
		"\n\nBUY Cheap VIAGRA Now\n",
		"\n\n\xef\xbc\xa2\xef\xbd\x95\xef\xbd\x99 cheap viagra now\n",
		"\n\n\xf0\x9d\x90\x9b\xf0\x9d\x90\xae\xf0\x9d\x90\xb2 cheap viagra now\n",
		/* accents, also combining ones */
		"\n\nb\xc3\xb9y ch\xc3\xa9""ap v\xc3\xac""agra nowo\xcc\x82 now\n",
		/* Cyrillic a or Greek omicron in Latin words */
		"\n\nbuy che\xd0\xb0p vi\xd0\xb0gr\xd0\xb0 n\xce\xbfw\n",
		/* zero width space, soft hyphen, word joiner */
		"\n\nbuy ch\xe2\x80\x8b""eap vi\xc2\xad""ag\xe2\x81\xa0ra now\n",
		/* characters that only browsers treat as zero-width */
		"\n\nbuy ch\xe2\x81\xa5""eap vi\xef\xbf\xb3""agra now\n",
		/* Hangul fillers, which are spaces */
		"\n\nbuy\xe3\x85\xa4""cheap\xef\xbe\xa0viagra\xe1\x85\xa0now\n",
		/* spaced letters */
		"\n\nbuy cheap v i a g r a now\n",
		"\n\nbuy cheap v.i.a.g.r.a now\n",
		/* quoted-printable, base64, unknown encodings */
		"Content-Transfer-Encoding: quoted-printable\n\n=62uy che=\nap viagra now\n",
		"Content-Transfer-Encoding: base64\n\nYnV5IGNoZWFwIHZpYWdyYSBub3c=\n",
		"Content-Transfer-Encoding: foo\n\nbuy cheap viagra now\n",
		/* charsets */
		"Content-Type: text/plain; charset=nonsense\n\nbuy cheap viagra now\n",
		"Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n"
		"YgB1AHkAIABjAGgAZQBhAHAAIAB2AGkAYQBnAHIAYQAgAG4AbwB3AA==\n",
		/* HTML: tags and comments in words, entities, unknown tags */
		"Content-Type: text/html\n\n<p>bu<b>y</b> che<!-- x -->ap vi<zz>agra</zz> now\n",
		"Content-Type: text/html\n\nb&#117;y che&#x61;p vi&shy;agra n&ocirc;w\n",
		"Content-Type: text/html\n\n&#0000000098;uy &#x000000000063;heap v&shyi&shyagr&aacute n&ocirc;w\n",
		"Content-Type: text/html\n\n&bopf;&Uopf;&yscr; cheap &vfr;&inodot;&amacr;gra n&ostrok;w\n",
		"Content-Type: text/html\n\nbuy cheap vi&NoBreak;a&NegativeVeryThinSpace;gra now&CounterClockwiseContourIntegral;x\n",
		"Content-Type: text/html\n\nbuy cheap vi<font size=1></font>agra now\n",
		"Content-Type: text/html\n\nbuy<main>cheap</main>viagra<aside>now\n",
		"Content-Type: text/html\n\nbuy<span style='display:block'>cheap</span>viagra<img style='display:block'>now\n",
		"Content-Type: text/html\n\nbuy cheap vi<div style='display:inline'>agra</div> now\n",
		"Content-Type: text/html\n\nbuy cheap vi<div style='display:none'>a<p>b</p></div>agra now\n",
		"Content-Type: text/html\n\n<p title=\"unclosed>buy cheap viagra now</p>\n",
		/* no empty line after the header of the message or of a part */
		"Subject: x\nbuy cheap : viagra\nX-Mailer: y\nnow : 1\n",
		"buy cheap viagra\n now\n\nhello\n",
		"Content-Transfer-Encoding: base64\nbuy cheap\n\ndmlhZ3JhIG5vdwo=\n",
		"Content-Type: multipart/mixed; boundary=x\n\n--x\nbuy cheap viagra now\n--x--\n",
		/* multipart with a preamble */
		"Content-Type: multipart/mixed; boundary=x\n\nhello\n--x\n\nbuy cheap\n--x\n\nviagra now\n--x--\n",
		/* a message in a message, an attached page */
		"Content-Type: message/rfc822\n\nSubject: buy cheap\n\nviagra now\n",
		"Content-Type: application/octet-stream; name=\"a.html\"\n\n<b>buy cheap viagra now\n",
		"Content-Disposition: attachment; filename=a.htm\n"
		"Content-Type: application/octet-stream\n\n<b>buy cheap viagra now\n",
		/* plain text with the file name of a page */
		"Content-Type: text/plain; name=a.html\n\n<style>\nbuy cheap viagra now\n",
		"Content-Disposition: inline; filename=a.html\n"
		"Content-Type: text/plain\n\n<style>\nbuy cheap viagra now\n",
		"Content-Type: text/plain\n"
		"Content-Disposition: inline; filename=a.html\n\n<style>\nbuy cheap viagra now\n",
		/* repeated fields, of which the first one counts */
		"Content-Type: text/plain\nContent-Type: image/png\n\nbuy cheap viagra now\n",
		"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 8bit\n\n"
		"YnV5IGNoZWFwIHZpYWdyYSBub3c=\n",
		"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n"
		"buy cheap viagra now\n",
		/* comments */
		"Content-Type: (x) text/plain\n\nbuy cheap viagra now\n",
		"Content-Type: (image/png; (x)) text (y) / html\n\n<i></i>buy cheap viagra now\n",
		"Content-Type: (x text/plain\n\nbuy cheap viagra now\n",
		"Content-Transfer-Encoding: (7bit)\n base64 (x)\n\nYnV5IGNoZWFwIHZpYWdyYSBub3c=\n",
		/* no type, or an unknown text type */
		"Content-Type:\n\nbuy cheap viagra now\n",
		"Content-Type: plain\n\nbuy cheap viagra now\n",
		"Content-Type: \"image/png\"\n\nbuy cheap viagra now\n",
		"Content-Type: message/x\n\nbuy cheap viagra now\n",
	};

	static const char address[] =
		"Content-Type: text/html\n\n"
		"<a href=\"http://h.example/p?a=1&shyb=2&afr=3&copy=4\">x</a>\n";
	static const char mailbox[] =
		"From user@host.example Thu Aug 22 12:36:23 2002\n"
		"Subject: x\n>From user  Thu Aug 22 12:36:23 2002\n\nshown\n";
	/* a picture with the file name of a page, the subject of a part */
	static const char *const unseen[] = {
		"Content-Type: image/png; name=a.html\n\ninnocent\n",
		"Content-Type: multipart/mixed; boundary=x\n\n"
		"--x\nSubject: innocent\n\nx\n--x--\n",
	};
	string_t *text = str_new(default_pool, 256);
	struct junk_message msg;

	test_begin("junk tokenizer: tricks don't hide words");
	for (unsigned int i = 0; i < N_ELEMENTS(tricks); i++) T_BEGIN {
		const char *mail = tricks[i][0] == '\n' ?
			tricks[i] + 1 : tricks[i];
		test_words_equal(plain, mail, i);
	} T_END;
	test_end();

	test_begin("junk tokenizer: what isn't shown");
	for (unsigned int i = 0; i < N_ELEMENTS(unseen); i++) {
		tokenize(unseen[i], strlen(unseen[i]), &msg, text);
		test_assert_idx(strstr(str_c(text), "\tinnocent\n") == NULL,
				i);
	}
	str_truncate(text, 0);
	test_end();

	test_begin("junk tokenizer: entities of other alphabets");
	test_words_equal("Content-Type: text/plain; charset=utf-8\n\n"
			 "\xd0\xba\xd1\x83\xd0\xbf\xd0\xb8 "
			 "\xce\xb1\xcf\x89\n",
			 "Content-Type: text/html\n\n&Kcy;&ucy;&pcy;&icy; "
			 "&Alpha;&omega;\n", 0);
	/* numeric entities that mean Windows-1252 */
	test_words_equal("Content-Type: text/plain; charset=utf-8\n\n"
			 "don\xe2\x80\x99t c\xc5\x93ur id\xc5\x91pont\n",
			 "Content-Type: text/html\n\ndon&#146;t c&#x9c;ur "
			 "id&odblac;pont\n",
			 0);
	test_end();

	test_begin("junk tokenizer: an address is not full of entities");
	tokenize(address, strlen(address), &msg, text);
	test_assert(strstr(str_c(text), "url-path\tshyb\n") != NULL);
	test_assert(strstr(str_c(text), "url-path\tafr\n") != NULL);
	test_assert(strstr(str_c(text), "url-path\tcopy\n") != NULL);
	str_truncate(text, 0);
	test_end();

	test_begin("junk tokenizer: traces of mailbox files are no text");
	tokenize(mailbox, strlen(mailbox), &msg, text);
	test_assert(strstr(str_c(text), "\tuser\n") == NULL);
	test_assert(strstr(str_c(text), "body-word\tshown\n") != NULL);
	str_free(&text);
	test_end();

	test_begin("junk tokenizer: a wrong byte doesn't hide words of UTF-8");
	test_words_equal("\ng\xc3\xbcnstige Pillen f\xc3\xbcr M\xc3\xa4nner, "
			 "gr\xc3\xb6\xc3\x9fte Auswahl\n",
			 "\ng\xc3\xbcnstige Pil\xfflen f\xc3\xbcr "
			 "M\xc3\xa4nner, gr\xc3\xb6\xc3\x9fte Auswahl\n", 0);
	test_end();
}

static void test_junk_tokenizer_no_charset(void)
{
	static const struct {
		const char *charset, *text;
	} tests[] = {
		{ "gb2312",
		  "\xc4\xfa\xba\xc3,\xb4\xfa\xbf\xaa\xb8\xf7\xc0\xe0\xb7\xa2\xc6"
		  "\xb1,\xbc\xdb\xb8\xf1\xd3\xc5\xbb\xdd\xa1\xa3" },
		{ "windows-1251",
		  "\xc7\xe4\xf0\xe0\xe2\xf1\xf2\xe2\xf3\xe9\xf2\xe5! \xc4\xb8\xf8"
		  "\xe5\xe2\xee: \xe1\xf3\xf5\xe3\xe0\xeb\xf2\xe5\xf0\xe8\xff "
		  "\xab\xef\xee\xe4 \xea\xeb\xfe\xf7\xbb" },
		{ "koi8-r",
		  "\xfa\xc4\xd2\xc1\xd7\xd3\xd4\xd7\xd5\xca\xd4\xc5! \xf0\xd2\xc5"
		  "\xc4\xcc\xc1\xc7\xc1\xc5\xcd \xc2\xd5\xc8\xc7\xc1\xcc\xd4\xc5"
		  "\xd2\xd3\xcb\xc9\xc5 \xd5\xd3\xcc\xd5\xc7\xc9" },
		{ "windows-1252",
		  "Gr\xfc\xdf""e aus \xd6sterreich: gr\xf6\xdfte Auswahl f\xfc"
		  "r M\xe4nner" },
		{ "windows-1252",
		  "L\x92\xe9t\xe9 dernier, nous avons cr\xe9\xe9 \xab l\x92\x9c"
		  "uvre \xbb" },
		{ "windows-1252", /* really ISO-8859-2 */
		  "Za\xbf\xf3\xb3\xe6 g\xea\xb6l\xb1 ja\xbc\xf1" },
		{ "windows-1252",
		  "\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7\xb7"
		  "\xb7\xb7\xb7\xb7\xb7\xb7 the price isn\x92t much" },
	};
	static const char *const headers[] = {
		"\n", "Content-Type: text/plain\n\n",
		"Content-Type: text/plain; charset=us-ascii\n\n",
		"Content-Type: text/plain; charset=iso-8859-1\n\n",
		"Content-Type: text/plain; charset=unknown-8bit\n\n",
	};

	test_begin("junk tokenizer: words of text without a true charset");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		for (unsigned int j = 0; j < N_ELEMENTS(headers); j++) T_BEGIN {
			test_words_equal(
				t_strdup_printf("Content-Type: text/plain; "
						"charset=%s\n\n%s\n",
						tests[i].charset,
						tests[i].text),
				t_strconcat(headers[j], tests[i].text, "\n",
					    NULL), i);
		} T_END;
	}
	test_end();
}

static void test_junk_tokenizer_invisible(void)
{
	static const char *const hidden[] = {
		"<div style=\"display:none\">innocent</div>",
		"<div style=\"DISPLAY : none ; x\"><b>innocent</b></div>",
		"<span style='font-size:0'>innocent</span>",
		"<span style='font-size: 1px'>innocent</span>",
		"<span style='visibility:hidden'>innocent</span>",
		"<span style='opacity:0'>innocent</span>",
		"<font color=white>innocent</font>",
		"<font color='#fefefe'>innocent</font>",
		"<table bgcolor=#123456><tr><td style='color:#133456'>innocent</table>",
		"<p hidden>innocent</p>",
		"<!-- innocent -->",
		"<!-- -- !> innocent --!>",
		"<!--!> innocent -->",
		"<script>innocent</script>",
		"<style>innocent</style>",
		"<p style='display:none'>innocent<p>x",
		"<p style='display:/**/none'>innocent</p>",
		"<p style='color:red;Display:none!important;display:block'>"
			"innocent</p>",
		"<p style='display:none;display:nonesuch'>innocent</p>",
		"<p style='display:none'><b style='display:block'>innocent",
		"<p style='font-size:0;font-size:1'>innocent</p>",
		"<p style='font-size:0cm'>innocent</p>",
		"<p style='font-size:0'><b style='font-size:2em'>innocent",
		"<p style='font:0/0 a'>innocent</p>",
		"<p style='max-height:0;overflow:hidden'>innocent</p>",
		"<p style='visibility:hidden'><b>innocent",
		"<p hidden style='color:red'>innocent</p>",
		"<p hidden style='display:nonesuch'>innocent</p>",
		"<style></style><table bgcolor=white><tr><td>"
			"<font color=white>innocent</table>",
		/* elements whose content isn't shown */
		"<title>innocent</title>", "<iframe>innocent</iframe>",
		"<noembed>innocent</noembed>", "<noframes>innocent</noframes>",
		"<template><b>innocent</b></template>",
		"<audio>innocent</audio>", "<video>innocent</video>",
		"<datalist><option>innocent</datalist>",
		"<style></stylex> innocent </style>",
		"<svg><title>innocent</title></svg>",
		"<svg style='display:none'><foreignObject><p>innocent</p></svg>",
		/* elements that continue when one around them ends */
		"<p><font color=white>x</p>innocent</font>",
		"<div hidden><table><tr><td></div>innocent</table></div>",
		"<div hidden><p><b><div>innocent</div></div>",
		"<div hidden><p></b>innocent</div>",
		"<table><tr hidden><td><table><tr><td>innocent</table></table>",
		"<ul hidden><li>x<ul><li>x</ul><li>innocent</ul>",
		"<li hidden><ul></li>innocent</ul>",
		"<span hidden></body>innocent</span>",
		"<span hidden><div></span>innocent</div></span>",
		"<p style='visibility:hidden'><b style='visibility:hidden'>x"
			"</p>innocent</b>",
		/* attributes that don't apply to the element */
		"<font color=white><p color=black>innocent</p></font>",
		"<font color=white><p bgcolor=black>innocent</p></font>",
		"<font color=white><p text=black>innocent</p></font>",
		/* a class without any rule */
		"<div class=dark><font color=white>innocent</font></div>",
		"<style></style><font color=white>innocent</font>",
		/* no room for content */
		"<div style='height:0;overflow:hidden'>innocent</div>",
		"<div style='height:1px;overflow:auto'>innocent</div>",
		"<div style='width:0;overflow:hidden'>innocent</div>",
		"<div style='max-width:0px;overflow-x:hidden'>innocent</div>",
		"<div style='line-height:0;overflow:hidden'>innocent</div>",
		"<span style='display:inline-block;height:0;overflow:hidden'>"
			"innocent</span>",
		"<div style='transform:scale(0)'>innocent</div>",
		"<div style='transform:rotate(5deg) translateX(-9999px)'>"
			"innocent</div>",
		"<div style='clip-path:inset(50%)'>innocent</div>",
		"<div style='clip-path:inset(0 100% 0 0)'>innocent</div>",
		"<div style='clip-path:circle(0)'>innocent</div>",
		"<div style='clip-path:polygon(0 0,0 0,0 0)'>innocent</div>",
		"<div style='position:absolute;clip:rect(0,0,0,0)'>innocent</div>",
		"<div style='content-visibility:hidden'>innocent</div>",
		/* off-screen */
		"<p style='position:absolute;left:-9999px'>innocent</p>",
		"<p style='position:fixed;top:-100em'>innocent</p>",
		"<p style='position:relative;right:-9999px'>innocent</p>",
		"<p style='margin-left:-9999px'>innocent</p>",
		"<p style='margin:0 0 0 -9999px'>innocent</p>",
		"<p style='text-indent:-9999px'>innocent</p>",
		/* nearly transparent, or the colour of the background */
		"<p style='opacity:.05'>innocent</p>",
		"<p style='opacity:4%'>innocent</p>",
		"<p style='filter:opacity(0)'>innocent</p>",
		"<p style='color:rgb(255, 255, 255)'>innocent</p>",
		"<p style='color:rgb(100% 100% 100%)'>innocent</p>",
		"<p style='color:rgba(0,0,0,0)'>innocent</p>",
		"<p style='color:rgb(0 0 0 / 3%)'>innocent</p>",
		"<p style='color:hsl(0,0%,100%)'>innocent</p>",
		"<p style='background:hsl(120,100%,50%);color:lime'>innocent</p>",
		"<p style='color:#ffffff00'>innocent</p>",
		"<p style='color:#0000'>innocent</p>",
		"<p style='color:#ffff'>innocent</p>",
		"<p style='color:transparent'>innocent</p>",
		"<p style='-webkit-text-fill-color:transparent'>innocent</p>",
		"<p style='background:peachpuff;color:#ffdab9'>innocent</p>",
		/* escapes, quotes and brackets */
		"<p style='d\\69splay:none'>innocent</p>",
		"<p style='display\\3a none;d\\000069 splay:n\\one'>innocent</p>",
		"<p style='font-family:\"a;b\";display:none'>innocent</p>",
		"<p style='background:url(data:x;b);display:none'>innocent</p>",
		/* elements that are hidden by default */
		"<dialog>innocent</dialog>", "<meter>innocent</meter>",
		"<progress>innocent</progress>",
		/* style sheets */
		"<style>.x{display:none}</style><p class=x>innocent</p>",
		"<style>#x{display:none}</style><p id=x>innocent</p>",
		"<style>q{display:none}</style><q>innocent</q>",
		"<style>p.x.y{display:none}</style><p class='y z x'>innocent</p>",
		"<style>a,.x,b{display:none}</style><p class=x>innocent</p>",
		"<style>div .x{display:none}</style><div><i><p class=x>innocent",
		"<style>div>.x{display:none}</style><div><p class=x>innocent",
		"<style>body .x{display:none}</style><p class=x>innocent</p>",
		"<style>html body .x{display:none}</style><p class=x>innocent</p>",
		"<style>[class~='x']{display:none}</style><p class=x>innocent</p>",
		"<style>*{display:none}</style><p>innocent</p><b style='display:"
			"block'>",
		"<style><!-- .x{display:none} --></style><p class=x>innocent</p>",
		"<style>/* } */.x{/* } */display:none}</style><p class=x>innocent",
		"<style>@import 'x';.x{display:none}</style><p class=x>innocent",
		"<style>@media print{p{color:red}}.x{display:none}</style>"
			"<p class=x>innocent",
		"<style>@media screen{.x{display:none}}</style><p class=x>innocent",
		"<style>@media screen and (min-width:1px){.x{display:none}}</style>"
			"<p class=x>innocent",
		"<style media=screen>.x{display:none}</style><p class=x>innocent",
		"<style>.X{display:none}</style><p class=x>innocent</p>",
		"<style>.x{color:#fff}</style><p class=x>innocent</p>",
		"<style>.x{background:black}</style><p class=x style='color:black'>"
			"innocent</p>",
		"<style>.x{display:none!important}</style>"
			"<p class=x style='display:block'>innocent</p>",
		"<style>#y{display:none}.x{display:block}</style>"
			"<p class=x id=y>innocent</p>",
		"<p class=x>innocent</p><style>.x{display:none}</style>",
		"<div class=x><style>.x{display:none}</style>innocent</div>",
		"<img width=1 height=1 alt=innocent>",
		"<img style='display:none' alt=innocent>",
		"<input type=hidden value=innocent>",
		/* inherited from the element around it */
		"<p style='color:white;background:none'>innocent</p>",
		"<font color=white><b style='color:inherit'>innocent</b></font>",
		/* newer CSS */
		"<p style='position:absolute;left:calc(-9999px)'>innocent</p>",
		"<p style='position:absolute;left:calc(1px*(2 - 5000))'>innocent</p>",
		"<p style='position:absolute;inset:-9999px auto auto -9999px'>"
			"innocent</p>",
		"<p style='position:absolute;inset-inline-start:-9999px'>innocent</p>",
		"<p style='position:absolute;left:200vw'>innocent</p>",
		"<p style='translate:-9999px'>innocent</p>",
		"<p style='scale:0'>innocent</p>",
		"<p style='scale:0 1'>innocent</p>",
		"<p style='rotate:y 90deg'>innocent</p>",
		"<p style='zoom:.01'>innocent</p>",
		"<p style='transform:rotateY(.25turn)'>innocent</p>",
		"<p style='transform:skewX(90deg)'>innocent</p>",
		"<p style='transform:translate(-9999em)'>innocent</p>",
		"<p style='opacity:calc(0)'>innocent</p>",
		"<p style='opacity:-1'>innocent</p>",
		"<p style='mask:linear-gradient(transparent,transparent)'>innocent</p>",
		"<p style='-webkit-mask-image:linear-gradient(#0000,#0000)'>"
			"innocent</p>",
		"<p style='filter:blur(50px)'>innocent</p>",
		"<p style='color:color(srgb 1 1 1)'>innocent</p>",
		"<p style='color:lab(100% 0 0)'>innocent</p>",
		"<p style='color:lch(100% 0 0)'>innocent</p>",
		"<p style='color:oklch(1 0 0)'>innocent</p>",
		"<p style='color:oklab(100% 0 0)'>innocent</p>",
		"<p style='color:hwb(0 100% 0)'>innocent</p>",
		"<p style='color:color-mix(in srgb, white, white)'>innocent</p>",
		"<p style='color:rgb(from white r g b)'>innocent</p>",
		"<p style='color:light-dark(white,black)'>innocent</p>",
		"<p style='color:field'>innocent</p>",
		"<p style='color:ivory'>innocent</p>",
		"<p style='color:white;color:banana'>innocent</p>",
		"<p style='color:#fff;color:#12345'>innocent</p>",
		"<p style='background:linear-gradient(white,white);color:white'>"
			"innocent</p>",
		"<p style='background-image:linear-gradient(#000,#000);color:#000'>"
			"innocent</p>",
		"<p style='font-size:0q'>innocent</p>",
		"<p style='font-size:calc(1px*0)'>innocent</p>",
		"<p style='font-size:min(0px,10px)'>innocent</p>",
		"<p style='font-size:clamp(0px,0px,0px)'>innocent</p>",
		"<p style='text-indent:100%;white-space:nowrap;overflow:hidden'>"
			"innocent</p>",
		"<p style='text-indent:9999px'>innocent</p>",
		"<p style='height:calc(0px);overflow:hidden'>innocent</p>",
		"<p style='block-size:0;overflow:hidden'>innocent</p>",
		"<p style='max-inline-size:0;overflow:hidden'>innocent</p>",
		"<p style='contain:size;overflow:hidden'>innocent</p>",
		"<p style='margin-inline-start:-9999px'>innocent</p>",
		"<p style='padding-left:9999px'>innocent</p>",
		"<p style='display:grid;grid-template-rows:0;overflow:hidden'>"
			"innocent</p>",
		"<p style='color:white;text-shadow:0 0 1px white'>innocent</p>",
		"<div style='opacity:.3'><p style='opacity:.3'>innocent</p></div>",
		"<table><tr><td style='transform:scale(0)'>innocent</td></tr></table>",
		"<mark style='color:yellow'>innocent</mark>",
		"<font color='#fffffg'>innocent</font>",
		"<details>innocent</details>",
		"<details><summary>x</summary>innocent</details>",
		"<details><details><summary>innocent</summary></details></details>",
		"<div popover>innocent</div>",
		"<svg><defs><text>innocent</text></defs></svg>",
		"<svg>innocent</svg>",
		"<svg><text fill=none>innocent</text></svg>",
		"<svg><text opacity=0>innocent</text></svg>",
		"<svg><text display=none>innocent</text></svg>",
		"<math><annotation>innocent</annotation></math>",
		"<img src=x style='width:1px;height:1px' alt=innocent>",
		"<div style='height:0;overflow:hidden;position:relative'>"
			"<b style='position:absolute'>innocent</b></div>",
		"<style>:is(.x){display:none}</style><p class=x>innocent</p>",
		"<style>:is(.y,.x){display:none}</style><p class=x>innocent</p>",
		"<style>div :where(.x){display:none}</style>"
			"<div><p class=x>innocent</p></div>",
		"<style>p:not(.k){display:none}</style><p>innocent</p>",
		"<style>p:first-child{display:none}</style><div><p>innocent</p></div>",
		"<style>b:nth-child(2n){display:none}</style>"
			"<div><i></i><b>innocent</b></div>",
		"<style>.a~.b{display:none}</style>"
			"<i class=a></i><i></i><p class=b>innocent</p>",
		"<style>.a+.b{display:none}</style>"
			"<i class=a></i><p class=b>innocent</p>",
		"<style>[data-x]{display:none}</style><p data-x=1>innocent</p>",
		"<style>[class^=h]{display:none}</style><p class=hid>innocent</p>",
		"<style>[class*=id]{display:none}</style><p class=hid>innocent</p>",
		"<style>[class$=d]{display:none}</style><p class=hid>innocent</p>",
		"<style>[title=\"x y\"]{display:none}</style>"
			"<p title='x y'>innocent</p>",
		"<style>[lang|=en]{display:none}</style><p lang=en-us>innocent</p>",
		"<style>:root .x{display:none}</style><p class=x>innocent</p>",
		"<style>a:any-link{display:none}</style><a href=x>innocent</a>",
		"<style>.o{display:none}</style>"
			"<p class='h i j k l m n o'>innocent</p>",
		"<style>.h.i.j.k.l{display:none}</style>"
			"<p class='h i j k l'>innocent</p>",
		"<style>@media not print{.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style>@media (width>=300px){.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style>@media (color){.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style>@supports (display:grid){.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style>@supports not (display:banana){.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style>body{.x{display:none}}</style><p class=x>innocent</p>",
		"<style>.x{color:red;&{display:none}}</style><p class=x>innocent</p>",
	};
	static const char *const shown[] = {
		"<div style=\"display:block\">innocent</div>",
		"<span style='font-size:12px'>innocent</span>",
		"<table bgcolor=black><tr><td><font color=white>innocent</table>",
		"<style>:nth-child(1){background:black}</style>"
			"<div class=dark><font color=white>innocent</font></div>",
		"<div style='display:none'>x</div>innocent",
		"<!-->innocent<!-- -->",
		"<!-- --!>innocent<!-- -->",
		"<p style='display:none'>x<p>innocent",
		/* what a child resets */
		"<p style='font-size:0'><b style='font-size:13px'>innocent",
		"<p style='font-size:0'><b style='font:bold 13px/15px a'>innocent",
		"<p style='visibility:hidden'><b style='visibility:visible'>"
			"innocent",
		/* declarations that don't hide text */
		"<p style='mso-hide:all'>innocent",
		"<p style='max-height:0'>innocent",
		"<p style='font-size:1pc'>innocent",
		"<p style='font-size:2vw'>innocent",
		"<p style='font-size:.5cm'>innocent",
		"<p style='font-size:1in'>innocent",
		"<p style='font-size:1'>innocent",
		"<p style='display:nonesuch'>innocent",
		"<p style='/*; display:none */'>innocent",
		"<p style='display:none;display:block'>innocent",
		"<p style='font-size:0;font-size:16px'>innocent",
		"<p style='font-size:0foo;max-height:0foo;overflow:hidden'>innocent",
		"<p style='display:none!x;visibility:hidden!important x'>innocent",
		"<p style='display:none;display:table-caption'>innocent",
		"<p style='opacity:0;opacity:initial'>innocent",
		/* end tags of elements that contain others */
		"<template><p></template>innocent",
		"<object hidden><div></object>innocent",
		"<table><colgroup hidden><col><tr><td>innocent",
		/* the first body tag's colours count */
		"<body bgcolor=#000000 text=#ffffff>x<body bgcolor=#ffffff>innocent",
		"<body bgcolor=#ffffff text=#000000>x<body text=#ffffff>innocent",
		/* whole names of attributes and tags */
		"<p data_style='display:none' x.hidden @hidden \"hidden>innocent",
		"<b_hidden>innocent</b_hidden>",
		/* many attributes, and deep nesting */
		"<div style='font-size:0'><p a b c d e f g h i j k l m n o p q r s t "
		"u v w x y z aa bb cc dd ee ff gg style='font-size:16px'>innocent",
		"<b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b>"
		"<b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b>"
		"<b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b>"
		"<div style='font-size:0'><p style='font-size:16px'>innocent",
		"<p style='font-size:0;font-size:calc(16px)'>innocent",
		"<p style='opacity:0;opacity:1'>innocent",
		"<p style='display:block!important;display:none'>innocent",
		"<p title=a style='color:red' style='display:none'>innocent",
		"<p hidden style='display:block'>innocent",
		"<p style='display:block' hidden>innocent",
		/* content that isn't markup */
		"<title><style></title>innocent</style>",
		"<title><!--</title>innocent<!-- -->",
		"<textarea><style></textarea>innocent</style>",
		"<textarea><style>innocent</textarea>",
		"<iframe><style></iframe>innocent</style>",
		"<noframes><style></noframes>innocent</style>",
		"<xmp><style></xmp>innocent</style>",
		"<style></style\n>innocent", "<style></style/>innocent",
		"<svg><style></svg>innocent</style>",
		"<svg><style><p>innocent", "<svg hidden/>innocent",
		"<math><mi hidden/>innocent</math>",
		/* tags without content, or that are ignored at their place */
		"<source hidden>innocent", "<track hidden>innocent",
		"<basefont hidden>innocent", "<bgsound hidden>innocent",
		"<keygen hidden>innocent", "<td hidden>innocent",
		"<tr hidden>innocent", "<tbody hidden>innocent",
		"<form><form hidden>innocent", "<html hidden>innocent",
		"<head hidden><p>innocent",
		"<table><tr><td><td hidden>x</table><th hidden>innocent",
		"<table><form hidden><tr><td>innocent</table>",
		"<table hidden>innocent<tr><td>x</table>",
		"<table hidden><div>innocent</div><tr><td>x</table>",
		"<table><tr><font color=white><td>innocent</table>",
		/* properties that don't apply to an element, or that it always
		   has */
		"<p color=white>innocent", "<p bgcolor=black>innocent",
		"<body text=white><div style='background:black'>innocent",
		"<div style='color:white'><body bgcolor=black>innocent",
		"<button style='color:white'>innocent</button>",
		"<div style='font-size:0'><button>innocent</button></div>",
		"<p style='font-size:.05em'>innocent",
		/* elements without a size of their own, or as large as their
		   content */
		"<span style='height:0;overflow:hidden'>innocent</span>",
		"<span style='transform:scale(0)'>innocent</span>",
		"<div style='height:0'>innocent</div>",
		"<div style='height:0;min-height:9px;overflow:hidden'>innocent",
		"<div style='height:0;overflow:visible'>innocent</div>",
		"<table><tr><td style='height:0;overflow:hidden'>innocent</table>",
		/* text that stays visible where it is */
		"<p style='left:-9999px'>innocent</p>",
		"<p style='position:static;left:-9999px'>innocent</p>",
		"<p style='position:relative;left:-9px'>innocent</p>",
		"<p style='text-indent:-9999px'>x<br>innocent</p>",
		"<p style='margin:0 -9999px 0 0'>innocent</p>",
		"<p style='clip:rect(0,0,0,0)'>innocent</p>",
		"<p style='clip-path:inset(10%)'>innocent</p>",
		"<p style='opacity:.5'>innocent</p>",
		"<p style='color:rgba(255,0,0,.9)'>innocent</p>",
		"<p style='color:hsl(0,100%,30%)'>innocent</p>",
		"<p style='background:#000;color:rgb(255,255,255)'>innocent</p>",
		/* property names in quotes or escapes, which are ignored */
		"<p style='content:\";display:none;\"'>innocent</p>",
		"<p style='x\\;display:none'>innocent</p>",
		"<dialog open>innocent</dialog>",
		/* rules that don't match the element */
		"<style>.y{display:none}</style><p class=x>innocent</p>",
		"<style>.x .y{display:none}</style><p class=y>innocent</p>",
		"<style>.x>.y{display:none}</style><div class=x><b>"
			"<p class=y>innocent",
		"<style>p.y{display:none}</style><b class=y>innocent</b>",
		"<style>.x:hover{display:none}</style><p class=x>innocent</p>",
		"<style>.x::before{display:none}</style><p class=x>innocent</p>",
		"<style>@media print{.x{display:none}}</style><p class=x>innocent",
		"<style>@media (max-width:480px){.x{display:none}}</style>"
			"<p class=x>innocent",
		"<style media=print>.x{display:none}</style><p class=x>innocent",
		"<!-- <style>.x{display:none}</style> --><p class=x>innocent",
		"<style>.x{display:none}.x{display:block}</style>"
			"<p class=x>innocent",
		"<style>.x{display:none}</style>"
			"<p class=x style='display:block'>innocent",
		"<style>.x{display:none}p.x{display:block}</style>"
			"<p class=x>innocent",
		"<style>.x{background:#000}</style>"
			"<p class=x style='color:#fff'>innocent",
		/* attributes that are shown */
		"<img src=x alt=innocent>", "<input type=submit value=innocent>",
		"<input placeholder=innocent>", "<input value=innocent>",
		"<textarea placeholder=innocent></textarea>",
		"<bdo dir=rtl>tnecon<b>ni</b></bdo>",
		"<span dir=rtl style='unicode-bidi:bidi-override'>tneconni</span>",
		"<style>.x{direction:rtl;unicode-bidi:bidi-override}</style>"
			"<p class=x>tneconni",
		/* implied end tags */
		"<p hidden><b>x<div>innocent</div>",
		"<p><span hidden>x<div>innocent</div>",
		"<p hidden><b>x</p>innocent",
		"<p style='color:white'><b>x</p>innocent",
		"<font><span hidden>x</font>innocent",
		"<table><tr hidden><td>x<tr><td>innocent</table>",
		"<table><tr><td hidden><b>x<th>innocent</table>",
		"<table><tbody hidden><tr><td>x<tbody><tr><td>innocent</table>",
		"<table><tr hidden><td>x<tfoot><tr><td>innocent</table>",
		"<dl><dt hidden>x<dd>innocent</dl>",
		"<ul><li hidden><b>x<li>innocent</ul>",
		"<button hidden>x<button>innocent", "<a hidden>x<a>innocent",
		"<nobr hidden>x<nobr>innocent", "<h1 hidden>x<h2>innocent",
		/* unknown background */
		"<style>p:last-child{background:black}</style>"
			"<font color=white>innocent</font>",
		"<font color=white><style>@media x{p{background:black}}</style>"
			"innocent</font>",
		"<table bgcolor=white style='background-image:url(x)'><tr><td>"
			"<font color=white>innocent</table>",
		"<p style='color:#fff;background:white url(x)'>innocent",
		"<p style='color:#fff;background-image:linear-gradient(a,b)'>"
			"innocent",
		"<p style='display:none'>x<div>innocent</div>",
		/* text that only seems hidden */
		"<p style='position:sticky;left:-9999px'>innocent</p>",
		"<p style='color:white;text-shadow:0 0 1px black'>innocent</p>",
		"<p style='color:transparent;text-shadow:0 0 0 black'>innocent</p>",
		"<p style='color:white;-webkit-text-stroke:1px black'>innocent</p>",
		"<p style='font-size:0;font:menu'>innocent</p>",
		"<p style='text-indent:-9999px;text-align:right'>innocent</p>",
		"<p style='background-color:rgba(0,0,0,.2);color:black'>innocent</p>",
		"<p style='opacity:.3'>innocent</p>",
		"<div style='color:white'><a href=x>innocent</a></div>",
		"<body text=white><a href=x>innocent</a>",
		"<div style='color:white'><mark>innocent</mark></div>",
		"<font color='rgb(255,255,255)'>innocent</font>",
		"<div style='color:white'>"
			"<table><tr><td>innocent</td></tr></table></div>",
		"<div style='font-size:0'>"
			"<table><tr><td>innocent</td></tr></table></div>",
		"<div style='font-size:0'><font size=3>innocent</font></div>",
		"<table><tr><td style='margin-left:-9999px'>innocent</td></tr></table>",
		"<details><summary>innocent</summary></details>",
		"<details open>innocent</details>",
		"<svg><text>innocent</text></svg>",
		"<svg><foreignObject><p>innocent</p></foreignObject></svg>",
		"<defs>innocent</defs>",
		"<metadata>innocent</metadata>",
		"<canvas>innocent</canvas>",
		"<img src=x title=innocent>",
		"<div style='height:0;overflow:hidden'>"
			"<b style='position:absolute'>innocent</b></div>",
		"<div style='position:absolute;left:-9999px'>"
			"<b style='position:fixed;left:5px'>innocent</b></div>",
		"<div style='margin-left:-9999px'>"
			"<div style='margin-left:9999px'>innocent</div></div>",
		"<div style='text-indent:-9999px'>"
			"x<div style='text-indent:0'>innocent</div></div>",
		"<html style='background:black'><p style='color:white'>innocent</p>",
		"<title style='display:block'>innocent</title>",
		"<style>@supports (display:banana){.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style>}.x{display:none}</style><p class=x>innocent</p>",
		"<style>;.x{display:none}</style><p class=x>innocent</p>",
		"<style>.x,.y:bad-pseudo{display:none}</style><p class=x>innocent</p>",
		"<style>.x,,p{display:none}</style><p class=x>innocent</p>",
		"<style>body{background:#000;color:#000}body p{color:#fff}</style>"
			"<p class=x>innocent</p>",
		"<style>html{background:#000}p{color:#fff}</style>"
			"<p class=x>innocent</p>",
		"<style>.x:not(p){display:none}</style><p class=x>innocent</p>",
		"<style>p:nth-child(9){display:none}</style><p class=x>innocent</p>",
		"<style>@media not screen{.x{display:none}}</style>"
			"<p class=x>innocent</p>",
		"<style type=text/plain>.x{display:none}</style>"
			"<p class=x>innocent</p>",
		"<template><style>.x{display:none}</style>"
			"</template><p class=x>innocent</p>",
	};
	struct junk_message msg;

	test_begin("junk tokenizer: invisible text");
	for (unsigned int i = 0; i < N_ELEMENTS(hidden); i++) T_BEGIN {
		string_t *text = str_new(default_pool, 256);
		const char *mail = t_strconcat("Content-Type: text/html\n\n",
					       "seen ", hidden[i], " end\n",
					       NULL);
		tokenize(mail, strlen(mail), &msg, text);
		test_assert_idx(strstr(str_c(text), "body-word\tseen\n") !=
				NULL, i);
		if (strstr(str_c(text), "innocent\n") != NULL)
			i_error("shown: %s", hidden[i]);
		test_assert_idx(strstr(str_c(text), "innocent\n") == NULL, i);
		str_free(&text);
	} T_END;
	for (unsigned int i = 0; i < N_ELEMENTS(shown); i++) T_BEGIN {
		string_t *text = str_new(default_pool, 256);
		const char *mail = t_strconcat("Content-Type: text/html\n\n",
					       shown[i], " end\n", NULL);
		tokenize(mail, strlen(mail), &msg, text);
		if (strstr(str_c(text), "body-word\tinnocent\n") == NULL)
			i_error("hidden: %s", shown[i]);
		test_assert_idx(strstr(str_c(text), "body-word\tinnocent\n") !=
				NULL, i);
		str_free(&text);
	} T_END;
	test_end();
}

/* Tokens of punctuation, URLs and lines don't depend on their position, nor on
   CRs. */
static void test_junk_tokenizer_layout(void)
{
	static const char body[] =
		"Hi! Act now!!!! (see http://a.example/b/?c=1&d;) or \"c\"...\n"
		"12345678901234567890123456789012345678901234567890123456789012345"
		"67\n?!? =)=\n\xe2\x82\xac#;\n";
	static const char *const tokens[] = {
		"body-word\t!\n", "body-word\t!!\n", "body-word\t(\n",
		"body-word\t\"\n", "body-word\t\".\n",
		"body-word\t?!\n", "body-word\t=)\n", "body-word\t#;\n",
		"url-path\tshape:211\n", "mime-shape\t!!:1\n",
		"mime-shape\tlines:0\n",
	};
	static const char *const missing[] = {
		"body-word\t/\n", "body-word\t;\n", "body-word\t;)\n",
		"body-word\t:/\n", "body-word\t.\n", "body-word\t..\n",
		"body-word\t=\n", "body-word\t!?\n",
	};
	struct junk_message msg;

	test_begin("junk_tokenizer: layout");
	for (unsigned int i = 0; i < 2 * 70; i++) T_BEGIN {
		string_t *text = str_new(default_pool, 256);
		string_t *mail = t_str_new(512);

		str_append_c(mail, '\n');
		for (unsigned int j = 0; j < i / 2; j++)
			str_append_c(mail, ' ');
		str_append_c(mail, '\n');
		for (const char *c = body; *c != '\0'; c++) {
			if (*c == '\n' && i % 2 == 1)
				str_append_c(mail, '\r');
			str_append_c(mail, *c);
		}
		tokenize(str_data(mail), str_len(mail), &msg, text);
		for (unsigned int j = 0; j < N_ELEMENTS(tokens); j++) {
			test_assert_idx(strstr(str_c(text), tokens[j]) != NULL,
					i * 100 + j);
		}
		for (unsigned int j = 0; j < N_ELEMENTS(missing); j++) {
			test_assert_idx(strstr(str_c(text), missing[j]) == NULL,
					i * 100 + j);
		}
		str_free(&text);
	} T_END;
	test_end();
}

/* Without a date, sender and words, messages have different digests because of
   their other tokens. */
static void test_junk_tokenizer_digest(void)
{
	static const char *const mails[] = {
		"",
		"Content-Type: image/gif\n\nGIF89a",
		"Content-Type: image/png; name=a.png\n\nPNG",
		"Date: Tue, 3 Mar 2026 10:00:00 +0000\n\n",
		"Date: Tue, 3 Mar 2026 10:00:01 +0000\n\n",
		"From: <a@example.com>\n\n",
		"\nword\n",
	};
	unsigned char digests[N_ELEMENTS(mails)][JUNK_DIGEST_BYTES];
	struct junk_message msg;

	test_begin("junk_tokenizer: digests");
	for (unsigned int i = 0; i < N_ELEMENTS(mails); i++) {
		tokenize(mails[i], strlen(mails[i]), &msg, NULL);
		junk_message_digest(&msg, digests[i]);
		for (unsigned int j = 0; j < i; j++) {
			test_assert_idx(memcmp(digests[i], digests[j],
					       JUNK_DIGEST_BYTES) != 0,
					i * 10 + j);
		}
	}
	test_end();
}

/* Returns TRUE if a part that follows one of this many bytes (with line ends as
   LF or CRLF) is read. */
static bool part_after_is_read(size_t bytes, const char *newline)
{
	string_t *mail = str_new(default_pool, 2*bytes);
	string_t *text = str_new(default_pool, 4096);
	struct junk_message msg;
	bool found;

	str_append(mail, "Content-Type: multipart/mixed; boundary=b\n\n"
		   "--b\nContent-Type: image/png\n\n");
	for (; bytes > 10; bytes -= 10)
		str_printfa(mail, "aaaaaaaaa%s", newline);
	while (bytes-- > 0)
		str_append_c(mail, 'a');
	str_printfa(mail, "%s--b\nContent-Type: image/gif\n\nGIF\n--b--\n",
		    newline);
	tokenize(str_data(mail), str_len(mail), &msg, text);
	found = strstr(str_c(text), "media-type\timage/gif\n") != NULL;
	str_free(&mail);
	str_free(&text);
	return found;
}

static void test_junk_tokenizer_limit(void)
{
	static const char *const newlines[] = { "\n", "\r\n" };

	test_begin("junk tokenizer: JUNK_MAX_MESSAGE_BYTES");
	for (unsigned int i = 0; i < N_ELEMENTS(newlines); i++) {
		test_assert_idx(part_after_is_read(JUNK_MAX_MESSAGE_BYTES - 1,
						   newlines[i]), i);
		test_assert_idx(!part_after_is_read(JUNK_MAX_MESSAGE_BYTES,
						    newlines[i]), i);
	}
	test_end();
}

/* Returns TRUE if a text is decoded after a MIME header that is repeated count
   times. */
static bool
text_after_is_decoded(const char *head, const char *piece, unsigned int count)
{
	string_t *mail = str_new(default_pool, 64*1024);
	string_t *text = str_new(default_pool, 4096);
	struct junk_message msg;
	bool found;

	str_append(mail, head);
	while (count-- > 0)
		str_append(mail, piece);
	str_append(mail, "Content-Transfer-Encoding: base64\n\n"
		   "dmlhZ3JhIHBpbGxz\n");
	tokenize(str_data(mail), str_len(mail), &msg, text);
	found = strstr(str_c(text), "body-word\tviagra\n") != NULL;
	str_free(&mail);
	str_free(&text);
	return found;
}

static void test_junk_tokenizer_many_parts(void)
{
	static const struct {
		const char *head, *piece;
		/* maximum of repetitions at which it must be decoded */
		unsigned int count;
	} tests[] = {
		/* the last repetition begins the text, and the message is a
		   part, too */
		{ "Content-Type: multipart/mixed; boundary=a\n\n--a\n",
		  "\n\n--a\n", JUNK_MAX_MIME_PARTS - 2 },
		{ "", "Content-Type: message/rfc822\n\n",
		  MESSAGE_PARSER_DEFAULT_MAX_NESTED_MIME_PARTS - 1 },
	};

	test_begin("junk tokenizer: JUNK_MAX_MIME_PARTS, _NESTING");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		test_assert_idx(text_after_is_decoded(tests[i].head,
						      tests[i].piece,
						      tests[i].count), i);
		test_assert_idx(!text_after_is_decoded(tests[i].head,
						       tests[i].piece,
						       tests[i].count + 1), i);
	}
	test_end();
}

static void test_junk_tokenizer_many_fields(void)
{
	string_t *mail = str_new(default_pool, 16*1024);
	string_t *text = str_new(default_pool, 4096);
	struct junk_message msg;

	for (unsigned int i = 0; i < 2000; i++)
		str_append(mail, "X-Face:\n");
	str_append(mail, "Subject: offer\nFrom: <jo@a.example>\n"
		   "Content-Transfer-Encoding: base64\n\ndmlhZ3Jh\n");
	test_begin("junk tokenizer: fields after many others");
	tokenize(str_data(mail), str_len(mail), &msg, text);
	test_assert(strstr(str_c(text), "subject-word\toffer\n") != NULL);
	test_assert(strstr(str_c(text), "sender-address\tjo@a.example\n") !=
		    NULL);
	test_assert(strstr(str_c(text), "body-word\tviagra\n") != NULL);
	str_free(&mail);
	str_free(&text);
	test_end();
}

/* Fields with more words than the limit must not displace words of the body. */
static void test_junk_tokenizer_header_words(void)
{
	static const char *const names[] = {
		"Subject", "X-Accept-Language", "To", "X-Mailer", "From",
	};
	string_t *mail = str_new(default_pool, 16*1024);
	struct junk_message msg;

	test_begin("junk tokenizer: JUNK_MAX_HEADER_TOKENS");
	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) T_BEGIN {
		string_t *text = str_new(default_pool, 64*1024);

		str_truncate(mail, 0);
		str_append(mail, names[i]);
		str_append_c(mail, ':');
		for (unsigned int j = 0; j < JUNK_MAX_GROUP_TOKENS; j++)
			str_printfa(mail, " good%u@b", j);
		str_append(mail, "\n\nviagra http://viagra.example/\n");
		tokenize(str_data(mail), str_len(mail), &msg, text);
		test_assert_idx(strstr(str_c(text),
				       "url-host\tviagra.example\n") != NULL, i);
		test_assert_idx(strstr(str_c(text), "body-word\tviagra\n") !=
				NULL, i);
		str_free(&text);
	} T_END;
	str_free(&mail);
	test_end();
}

/* Append a Subject field of a size in bytes, at the end of which a word stands. */
static void add_subject(string_t *mail, const char *word, size_t size)
{
	str_append(mail, "Subject: x");
	for (size_t len = 1 + strlen(word); len < size; len++)
		str_append_c(mail, ' ');
	str_printfa(mail, "%s\n", word);
}

static bool subject_word_is_read(const char *mail, const char *word)
{
	string_t *text = t_str_new(4096);
	struct junk_message msg;

	tokenize(mail, strlen(mail), &msg, text);
	return strstr(str_c(text), t_strdup_printf("subject-word\t%s\n",
						   word)) != NULL;
}

static void test_junk_tokenizer_field_bytes(void)
{
	static const unsigned int over[] = { 0, 1 };

	test_begin("junk tokenizer: JUNK_MAX_HEADER_BYTES, _FIELD_BYTES");
	for (unsigned int i = 0; i < N_ELEMENTS(over); i++) T_BEGIN {
		string_t *mail = t_str_new(64*1024);

		add_subject(mail, "viagra", JUNK_MAX_HEADER_BYTES + over[i]);
		str_append_c(mail, '\n');
		test_assert_idx(subject_word_is_read(str_c(mail), "viagra") ==
				(over[i] == 0), i);

		str_truncate(mail, 0);
		for (size_t left = JUNK_MAX_FIELD_BYTES - strlen("viagra") +
		     over[i]; left > 0; ) {
			size_t size = I_MIN(left, JUNK_MAX_HEADER_BYTES);

			add_subject(mail, "", size);
			left -= size;
		}
		str_append(mail, "Subject: viagra\n\n");
		test_assert_idx(subject_word_is_read(str_c(mail), "viagra") ==
				(over[i] == 0), i);
	} T_END;
	test_end();
}

static void test_junk_tokenizer_iconv_opens(void)
{
	/* of EBCDIC, which no table of ours has */
	static const char *const charsets[] = { "IBM037", "IBM273", "IBM277" };
	string_t *mail = t_str_new(256);

	i_assert(N_ELEMENTS(charsets) == JUNK_MAX_ICONV_OPENS + 1);
	test_begin("junk tokenizer: JUNK_MAX_ICONV_OPENS");
	for (unsigned int i = 0; i < N_ELEMENTS(charsets); i++) {
		/* "word0" and so on */
		str_printfa(mail, "Subject: =?%s?q?=A6=96=99=84=F%u?=\n",
			    charsets[i], i);
	}
	str_append_c(mail, '\n');
	for (unsigned int i = 0; i < N_ELEMENTS(charsets); i++) {
		test_assert_idx(subject_word_is_read(str_c(mail),
				t_strdup_printf("word%u", i)) ==
				(i < JUNK_MAX_ICONV_OPENS), i);
	}
	test_end();
}

/* Texts with more words than the limit must not displace what clients show. */
static void test_junk_tokenizer_alternative(void)
{
	static const char *const mails[] = {
		/* % is replaced by the words */
		"multipart/alternative; boundary=a\n\n--a\n\n%\n"
		"--a\nContent-Type: text/html\n\n<p>viagra\n--a--\n",
		"multipart/alternative; boundary=a\n\n--a\n\n%\n--a\n\n%\n"
		"--a\nContent-Type: text/html\n\n<p>viagra\n--a--\n",
		"Multipart/ALTERNATIVE; boundary=a\n\n--a\n\n%\n"
		"--a\nContent-Type: multipart/related; boundary=b\n\n"
		"--b\nContent-Type: text/html\n\n<p>viagra\n--b--\n--a--\n",
		"multipart/alternative; boundary=a\n\n"
		"--a\nContent-Type: multipart/alternative; boundary=b\n\n"
		"--b\n\n%\n--b--\n"
		"--a\nContent-Type: text/html\n\n<p>viagra\n--a--\n",
		/* attached text */
		"multipart/mixed; boundary=a\n\n"
		"--a\nContent-Disposition: Attachment; filename=a.txt\n\n%\n"
		"--a\n\nviagra\n--a--\n",
		"multipart/mixed; boundary=a\n\n"
		"--a\nContent-Disposition: attachment; filename=a.html\n"
		"Content-Type: text/html\n\n%\n"
		"--a\n\nviagra\n--a--\n",
		"multipart/mixed; boundary=a\n\n"
		"--a\nContent-Disposition: attachment\n\n%\n"
		"--a\nContent-Type: multipart/alternative; boundary=b\n\n"
		"--b\n\nx\n--b\nContent-Type: text/html\n\n<p>viagra\n--b--\n"
		"--a--\n",
		/* text after an alternative comes after it */
		"multipart/mixed; boundary=b\n\n"
		"--b\nContent-Type: multipart/alternative; boundary=a\n\n"
		"--a\n\nviagra\n--a\nContent-Type: text/html\n\n<p>x\n--a--\n"
		"--b\n\n%\n--b--\n",
		"multipart/mixed; boundary=b\n\n"
		"--b\nContent-Type: multipart/alternative; boundary=a\n\n"
		"--a\n\nviagra\n--a--\n--b\n\n%\n--b--\n",
	};
	string_t *words = str_new(default_pool, 8192);
	struct junk_message msg;

	for (unsigned int i = 0; i < JUNK_MAX_GROUP_TOKENS; i++)
		str_printfa(words, "good%ux ", i);
	test_begin("junk tokenizer: alternatives");
	for (unsigned int i = 0; i < N_ELEMENTS(mails); i++) T_BEGIN {
		string_t *text = str_new(default_pool, 16*1024);
		const char *mail = t_strconcat("Content-Type: ",
			t_strarray_join(t_strsplit(mails[i], "%"),
					str_c(words)), NULL);

		tokenize(mail, strlen(mail), &msg, text);
		test_assert_idx(strstr(str_c(text), "body-word\tviagra\n") !=
				NULL, i);
		/* the rest of the limit is used for the text */
		test_assert_idx(msg.group_count[JUNK_TOKEN_GROUP_WORDS] ==
				JUNK_MAX_GROUP_TOKENS, i);
		str_free(&text);
	} T_END;
	str_free(&words);
	test_end();
}

/* Break lines as Postfix' LMTP client does. */
static void break_lines(string_t *dest, const char *data, unsigned int max)
{
	unsigned int left = max;

	for (; *data != '\0'; data++) {
		if (*data == '\n') {
			left = max;
		} else if (left == 0) {
			str_append(dest, "\r\n ");
			left = max - 1;
		}
		if (*data != '\n')
			left--;
		str_append_c(dest, *data);
	}
}

static void test_junk_tokenizer_broken_lines(void)
{
	static const struct {
		/* one more than the limit is another MTA's, so words differ */
		unsigned int max;
		bool same;
	} tests[] = {
		{ JUNK_MAX_LINE_BYTES, TRUE },
		{ JUNK_MAX_LINE_BYTES + 1, FALSE },
		{ JUNK_MAX_LINE_BYTES - 1, FALSE },
	};
	string_t *mail = str_new(default_pool, 16*1024);
	string_t *broken = str_new(default_pool, 16*1024);
	struct junk_message msg, msg2;

	str_append(mail, "X-Mailer: ");
	for (unsigned int i = 0; i < 300; i++)
		str_printfa(mail, "%uword ", i);
	str_append(mail, "\nSubject: short\n\nfirst\n");
	for (unsigned int i = 0; i < 600; i++)
		str_printfa(mail, "w%uhabcdef ", i % 400);
	str_append(mail, "\n again\nlast\n");

	test_begin("junk tokenizer: lines broken at SMTP's limit");
	tokenize(str_data(mail), str_len(mail), &msg, NULL);
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) {
		str_truncate(broken, 0);
		break_lines(broken, str_c(mail), tests[i].max);
		tokenize(str_data(broken), str_len(broken), &msg2, NULL);
		test_assert_idx(array_cmp(&msg.tokens, &msg2.tokens) ==
				tests[i].same, i);
	}
	str_free(&mail);
	str_free(&broken);
	test_end();
}

static void
tokenize_in_pieces(const string_t *mail, size_t piece_bytes,
		   struct junk_message *msg_r)
{
	struct istream *input =
		test_istream_create_data(str_data(mail), str_len(mail));
	const char *error;

	test_istream_set_max_buffer_size(input, piece_bytes);
	test_assert(junk_tokenize(input, NULL, pool_datastack_create(), msg_r,
				  &error) == 0);
	i_stream_unref(&input);
}

/* The parser splits a field that is longer than the input buffer at its last
   blank, which may be the one after the colon. */
static void test_junk_tokenizer_pieces(void)
{
	static const char *const fields[] = {
		"X-Mailer: ", "X-Mailer:", "X-Mailer:  ", "X-Mailer:\t", "Date: ",
		"Subject: ", "From: ", "Received: ", "List-Id: ", "Message-ID: ",
		"Content-Type: ", "Content-Type: text/plain; charset=",
		"Content-Disposition: ", "X-Unknown: ", "no field ",
	};
	static const char *const units[] = {
		"(", ",", "a", "a ", "word, ", "a\t", "a\n ", "=?utf-8?q?a?=",
	};
	static const size_t sizes[] = { 1000, 4096, 8192 };
	string_t *mail = str_new(default_pool, 32*1024);
	struct junk_message whole, pieces;

	test_begin("junk tokenizer: a field that comes in pieces");
	for (unsigned int i = 0; i < N_ELEMENTS(fields); i++)
	for (unsigned int j = 0; j < N_ELEMENTS(units); j++) T_BEGIN {
		str_truncate(mail, 0);
		str_append(mail, fields[i]);
		while (str_len(mail) < 20000)
			str_append(mail, units[j]);
		str_append(mail, "\nTo: a@b.example\n\nbody\n");
		tokenize(str_data(mail), str_len(mail), &whole, NULL);
		for (unsigned int k = 0; k < N_ELEMENTS(sizes); k++) {
			tokenize_in_pieces(mail, sizes[k], &pieces);
			test_assert_idx(array_cmp(&whole.tokens,
						  &pieces.tokens),
					i * N_ELEMENTS(units) + j);
		}
	} T_END;
	str_free(&mail);
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_tokenizer_authserv,
		test_junk_tokenizer_tricks,
		test_junk_tokenizer_no_charset,
		test_junk_tokenizer_invisible,
		test_junk_tokenizer_layout,
		test_junk_tokenizer_digest,
		test_junk_tokenizer_limit,
		test_junk_tokenizer_many_parts,
		test_junk_tokenizer_many_fields,
		test_junk_tokenizer_header_words,
		test_junk_tokenizer_field_bytes,
		test_junk_tokenizer_iconv_opens,
		test_junk_tokenizer_alternative,
		test_junk_tokenizer_broken_lines,
		test_junk_tokenizer_pieces,
		NULL
	};
	return test_run(test_functions);
}
