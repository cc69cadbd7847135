/* Tests the tokens of URLs, especially of those that are written to deceive. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "test-common.h"
#include "junk-host.h"
#include "junk-token-set.h"
#include "junk-url.h"

static void
token_text(junk_token_t token, const char *text, void *context)
{
	str_printfa((string_t *)context, "%s\t%s\n",
		    junk_token_class_name(junk_token_class(token)), text);
}

/* Returns "\nclass<TAB>text\n..." for a URL. */
static const char *url_tokens(const char *url)
{
	static struct junk_token_set set;
	string_t *text = str_new(default_pool, 256);
	const struct junk_tokenizer_settings tokenizer_set = {
		.token_callback = token_text,
		.token_context = text,
	};
	const char *tokens;

	str_append_c(text, '\n');
	junk_token_set_init(&set, &tokenizer_set);
	junk_url_add(&set, (const unsigned char *)url, strlen(url));
	tokens = t_strdup(str_c(text));
	str_free(&text);
	return tokens;
}

static void
check_token(const char *url, const char *text, const char *class,
	    const char *value, bool wanted)
{
	const char *find = t_strdup_printf("\n%s\t%s\n", class, value);

	if ((strstr(text, find) != NULL) == wanted)
		return;
	i_error("%s: %s %s %s", url, wanted ? "missing" : "unwanted", class,
		value);
	test_assert(FALSE);
}

/* expected: words, each a host that must be found; "!" + a host that must not
   be; or "class=" + text. "" = no host. */
static void test_url(const char *url, const char *expected)
{
	const char *text = url_tokens(url);

	if (*expected == '\0') {
		if (strstr(text, "\nurl-host\t") != NULL) {
			i_error("%s: %s", url, text);
			test_assert(FALSE);
		}
		return;
	}
	for (const char *const *e = t_strsplit(expected, " "); *e != NULL; e++) {
		if (**e == '!')
			check_token(url, text, "url-host", *e + 1, FALSE);
		else if (strncmp(*e, "domain=", 7) == 0)
			check_token(url, text, "url-domain", *e + 7, TRUE);
		else if (strncmp(*e, "path=", 5) == 0)
			check_token(url, text, "url-path", *e + 5, TRUE);
		else
			check_token(url, text, "url-host", *e, TRUE);
	}
}

static void test_junk_url(void)
{
	static const char *const tests[][2] = {
		{ "http://Evil.Example/x", "evil.example domain=evil.example domain=.example" },
		{ "http:\\\\evil.example\\x", "evil.example path=x" },
		{ "http:evil.example", "evil.example" },
		{ "https:/evil.example", "evil.example" },
		{ "https://///evil.example/", "evil.example" },
		{ "ht\ntp://ev\til.example", "evil.example" },
		{ "  \x01http://evil.example", "evil.example" },
		{ "//evil.example/x", "evil.example" },
		{ "/\\evil.example/x", "evil.example" },
		{ "\\\\evil.example\\x", "evil.example" },
		{ "www.evil.example", "www.evil.example domain=evil.example" },
		{ "wss://evil.example/", "evil.example" },
		{ "/x/evil.example", "" },
		{ "javascript:alert(1)", "" },
		{ "http://", "" },
		{ "http://...", "" },
		/* ends of a host */
		{ "http://evil.example?bank.example", "evil.example !bank.example" },
		{ "http://evil.example#@bank.example", "evil.example !bank.example" },
		{ "http://evil.example\\@bank.example", "evil.example !bank.example" },
		{ "http://evil.example:80/", "evil.example path=:80" },
		{ "http://evil.example:0080/", "evil.example path=:80" },
		{ "http://evil.example:/", "evil.example" },
		{ "http://evil.example./", "evil.example" },
		{ "http://evil.example../", "evil.example" },
		/* user parts */
		{ "http://bank.example@evil.example/", "evil.example path=userinfo@ !bank.example" },
		{ "http://bank.example%2Flogin@evil.example/", "evil.example !bank.example" },
		{ "http://bank.example%5clogin@evil.example/", "evil.example !bank.example" },
		{ "http://bank.example%23@evil.example/", "evil.example !bank.example" },
		{ "http://bank.example@x@evil.example/", "evil.example !bank.example" },
		{ "http://a:b@evil.example:8080/", "evil.example path=:8080" },
		{ "http://bank.example:80@evil.example/", "evil.example !bank.example" },
		{ "http://bank.example%40evil.example/", "!bank.example" },
		{ "http://@evil.example/", "evil.example" },
		/* escapes */
		{ "http://%65vil.ex%61mple/", "evil.example" },
		{ "http://%45VIL%2eexample/", "evil.example" },
		{ "http://%ef%bd%85vil.example/", "evil.example" },
		/* non-ASCII letters in UTF-8 */
		{ "http://\xef\xbd\x85\xef\xbd\x96\xef\xbd\x89\xef\xbd\x8c\xe3\x80\x82""example/", "evil.example" },
		{ "http://evil\xef\xbc\x8e""example/", "evil.example" },
		{ "http://evil\xef\xbd\xa1""example/", "evil.example" },
		{ "http://\xf0\x9d\x90\x9e\xf0\x9d\x90\xaf\xf0\x9d\x90\xa2\xf0\x9d\x90\xa5.example/", "evil.example" },
		{ "http://\xe2\x93\x94\xe2\x93\xa5\xe2\x93\x98\xe2\x93\x9b.example/", "evil.example" },
		{ "http://ev\xc2\xadil.example/", "evil.example" },
		{ "http://ev\xe2\x80\x8d""il.example/", "evil.example" },
		{ "http://ev\xe2\x80\x8b""il.example/", "evil.example" },
		{ "http://ev\xe2\x81\xa0il.exam\xef\xbb\xbfple/", "evil.example" },
		{ "http://ev\xe2\x80\xaeil.example/", "evil.example" },
		{ "http://b\xc3\xbc""cher.example/", "xn--bcher-kva.example" },
		{ "http://B\xc3\x9c""CHER.example/", "xn--bcher-kva.example" },
		{ "http://bu\xcc\x88""cher.example/", "xn--bcher-kva.example" },
		{ "http://xn--bcher-kva.example/", "xn--bcher-kva.example" },
		{ "http://XN--BCHER-KVA.example/", "xn--bcher-kva.example" },
		{ "http://stra\xc3\x9f""e.de/", "xn--strae-oqa.de" },
		/* an invalid label must not hide the others */
		{ "http://-\xc3\xbc-.\xef\xbd\x85vil\xe3\x80\x82""example/", "domain=evil.example" },
		/* IP addresses */
		{ "http://192.168.10.11/", "192.168.10.11 domain=ip domain=192.168.10" },
		{ "http://0xc0a80a0b/x", "192.168.10.11 domain=ip domain=192.168.10" },
		{ "http://3232238091/", "192.168.10.11" },
		{ "http://0300.0250.012.013/", "192.168.10.11" },
		{ "http://030052005013/", "192.168.10.11" },
		{ "http://192.168.2571/", "192.168.10.11" },
		{ "http://0xC0.0xA8.0x0a.0x0b/", "192.168.10.11" },
		{ "http://192.11010571/", "192.168.2.11" },
		{ "http://192.168.10.11./", "192.168.10.11" },
		{ "http://%31%39%32.168.10.11/", "192.168.10.11" },
		{ "http://\xe2\x91\xa0\xe2\x91\xa8\xe2\x91\xa1.168.10.11/", "192.168.10.11" },
		{ "http://127.1/", "127.0.0.1" },
		{ "http://256.1.1.1/", "256.1.1.1" },
		{ "http://1.2.3.4.5/", "1.2.3.4.5" },
		{ "http://[2001:DB8:0:0::0001]:80/x", "[2001:db8::1] domain=ip domain=2001:db8:: path=:80" },
		{ "http://u@[2001:db8::1]/", "[2001:db8::1] path=userinfo@" },
		{ "http://[::ffff:192.168.10.11]/", "192.168.10.11" },
		{ "http://[::ffff:c0a8:a0b]/", "192.168.10.11" },
		{ "http://[2001:db8::1/", "[2001" },
		/* registered domains */
		{ "http://paket.dhl.de/", "domain=dhl.de" },
		{ "http://www.ing.de/", "domain=ing.de" },
		{ "http://tv.orf.at/", "domain=orf.at" },
		{ "http://a.b.co.uk/", "domain=b.co.uk domain=.co.uk domain=.uk" },
		{ "http://a.evil.web.app/", "domain=evil.web.app domain=.web.app" },
		{ "http://evil.github.io/", "domain=evil.github.io" },
		{ "http://x.evil.pages.dev/", "domain=evil.pages.dev" },
		{ "http://evil.blogspot.com/", "domain=evil.blogspot.com" },
		{ "http://github.io/", "domain=github.io" },
		{ "http://a.b.example.com.br/", "domain=example.com.br" },
		{ "http://www.city.kawasaki.jp/", "domain=city.kawasaki.jp" },
		{ "http://a.b.c.kawasaki.jp/", "domain=b.c.kawasaki.jp" },
		{ "http://localhost/", "localhost domain=localhost" },
		{ "http://a.\xd1\x80\xd1\x84/", "domain=a.xn--p1ai" },
		{ "http://x.\xe5\x85\xac\xe5\x8f\xb8.cn/", "domain=x.xn--55qx5d.cn" },
		/* redirectors */
		{ "https://www.google.com/url?q=https%3A%2F%2Fevil.example%2Fpay", "www.google.com evil.example" },
		{ "https://r.example/?u=http://evil.example/a&b=c", "r.example evil.example" },
		{ "https://r.example/http://evil.example/a", "evil.example" },
		{ "https://r.example/?u=http%253A%252F%252Fevil.example%252F", "evil.example" },
		{ "https://r.example/?u=%68%74%74%70%3a%2f%2fevil.example", "evil.example" },
		{ "https://r.example/?u=//evil.example/x", "evil.example" },
		{ "https://r.example/?u=%2F%2Fevil.example/x", "evil.example" },
		{ "https://r.example/?u=www.evil.example", "www.evil.example" },
		{ "https://r.example/#https://evil.example/", "evil.example" },
		{ "https://r.example/?u=http:/evil.example/", "evil.example" },
		{ "https://r.example/?u=HTTP:%5C%5Cevil.example", "evil.example" },
		{ "https://r.example/?u=http://bank.example%252Flogin@evil.example/", "evil.example !bank.example" },
		{ "https://r.example/?u=http%3A%2F%2Fbank.example%252Flogin%40evil.example", "evil.example !bank.example" },
		{ "https://r.example/?u=https%3A%2F%2Fs.example%2F%3Fv%3Dhttps%253A%252F%252Fevil.example", "s.example evil.example" },
		{ "https://r.example/?a=http://a.example/&u=http://evil.example", "a.example evil.example" },
		{ "https://r.example/?u=aHR0cHM6Ly9ldmlsLmV4YW1wbGUvcGF5", "evil.example" },
		{ "https://r.example/?u=aHR0cDovL2V2aWwuZXhhbXBsZS8_&x=1", "evil.example" },
		{ "https://urldefense.example/v3/__https://evil.example/x__;!!abc", "evil.example" },
		{ "https://r.example/a:b=c", "r.example" },
		/* mailto: */
		{ "mailto:a@evil.example", "mailto:evil.example domain=mailto:evil.example" },
		{ "MAILTO:a@evil.example?subject=x@y.example", "mailto:evil.example !mailto:y.example" },
		{ "mailto:a@b.example,c@evil.example", "mailto:b.example mailto:evil.example" },
		{ "mailto:a%40evil.example", "mailto:evil.example" },
		{ "mailto:a@b.example%2Cc@evil.example", "mailto:b.example mailto:evil.example" },
		{ "mailto:?to=a@evil.example&cc=b@c.example", "mailto:evil.example mailto:c.example" },
		{ "mailto:a@b.example?subject=x&bcc=c%40evil.example", "mailto:b.example mailto:evil.example" },
		{ "mailto:", "" },
		{ "mailto:x", "" },
	};

	test_begin("junk url: hosts as browsers see them");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		test_url(tests[i][0], tests[i][1]);
	} T_END;
	test_end();
}

/* URLs of the maximum size, and longer ones. */
static void test_junk_url_long(void)
{
	string_t *url = t_str_new(16*1024);

	test_begin("junk url: long parts don't hide the host");
	str_append(url, "http://");
	for (unsigned int i = 0; i < 8000; i++)
		str_append_c(url, i % 7 == 0 ? '.' : 'a');
	str_append(url, "@evil.example/x");
	test_url(str_c(url), "evil.example path=x");
	str_truncate(url, 7);
	for (unsigned int i = 0; i < 500; i++)
		str_append(url, "a.");
	str_append(url, "evil.example/x");
	test_url(str_c(url), "domain=evil.example path=x");
	test_end();
}

static void test_junk_url_link_text(void)
{
	static const struct {
		const char *host, *text, *token;
	} tests[] = {
		{ "evil.example", "https://bank.example/login", "other" },
		{ "evil.example", "bank.example", "other" },
		{ "evil.example", "www.bank.example", "other" },
		{ "evil.example", "Sign in at bank.example/login now", "other" },
		{ "evil.example", "(https://BANK.example).", "other" },
		{ "evil.example", "service@bank.example", "other" },
		{ "evil.example", "\xef\xbd\x82""ank.example", "other" },
		{ "evil.example", "b\xc2\xad""ank.com", "other" },
		{ "bank.example.evil.com", "bank.example", "other" },
		{ "evil.github.io", "bank.github.io", "other" },
		{ "192.0.2.1", "https://bank.example", "other" },
		{ "192.0.2.1", "192.0.2.2", "other" },
		{ "click.bank.co.uk", "www.bank.co.uk", "same" },
		{ "bank.example", "https://www.bank.example/", "same" },
		{ "192.0.2.1", "http://192.0.2.1/x", "same" },
		{ "evil.example", "click here", NULL },
		{ "evil.example", "report.pdf", NULL },
		{ "evil.example", "", NULL },
		{ "evil.example", "Version 1.2.3", NULL },
		{ "evil.example", "e.g. this", NULL },
	};
	static struct junk_token_set set;
	struct junk_host host;

	test_begin("junk url: what a link's text says");
	for (unsigned int i = 0; i < N_ELEMENTS(tests); i++) T_BEGIN {
		string_t *text = t_str_new(256);
		const struct junk_tokenizer_settings tokenizer_set = {
			.token_callback = token_text,
			.token_context = text,
		};
		const char *expected = tests[i].token == NULL ? "" :
			t_strdup_printf("html\tlink text:%s\n",
					tests[i].token);

		junk_token_set_init(&set, &tokenizer_set);
		test_assert_idx(junk_host_parse(&set.hosts, tests[i].host,
						strlen(tests[i].host), FALSE,
						&host), i);
		junk_url_add_link_text(&set, &host,
				       (const void *)tests[i].text,
				       strlen(tests[i].text));
		test_assert_strcmp_idx(str_c(text), expected, i);
	} T_END;
	test_end();
}

int main(void)
{
	static void (*const test_functions[])(void) = {
		test_junk_url,
		test_junk_url_long,
		test_junk_url_link_text,
		NULL
	};
	return test_run(test_functions);
}
