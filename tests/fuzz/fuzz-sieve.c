/* Fuzzes scripts that use the extension: their arguments are validated,
   compiled and dumped. */

#include "lib.h"
#include "istream.h"
#include "ostream.h"
#include "str.h"
#include "fuzz.h"
#include "sieve.h"
#include "sieve-error.h"
#include "sieve-script.h"
#include "sieve-vnd-junk-feedback-plugin.h"

#define REQUIRE "require [\"vnd.junk-feedback\", \"relational\", " \
	"\"comparator-i;ascii-numeric\", \"variables\"];\n"

static struct sieve_instance *svinst = NULL;

static void fuzz_sieve_deinit(void)
{
	sieve_deinit(&svinst);
}

static void fuzz_sieve_init(void)
{
	struct sieve_environment env;
	void *context;

	if (svinst != NULL)
		return;
	i_zero(&env);
	env.base_dir = "/nonexistent";
	svinst = sieve_init(&env, NULL, NULL, FALSE);
	if (svinst == NULL)
		i_fatal("sieve_init() failed");
	sieve_vnd_junk_feedback_plugin_load(svinst, &context);
	lib_atexit(fuzz_sieve_deinit);
}

static void fuzz_dump(struct sieve_binary *sbin)
{
	buffer_t *dest = buffer_create_dynamic(default_pool, 1024);
	struct ostream *output = o_stream_create_buffer(dest);

	sieve_dump(sbin, output, TRUE);
	o_stream_destroy(&output);
	buffer_free(&dest);
}

FUZZ_ONE(data, size)
{
	struct sieve_error_handler *ehandler;
	struct sieve_script *script;
	struct sieve_binary *sbin;
	struct istream *input;
	string_t *text = t_str_new(size + sizeof(REQUIRE));
	/* not on the data stack, since the buffer grows in inner frames */
	string_t *errors = str_new(default_pool, 1024);

	fuzz_sieve_init();
	str_append(text, REQUIRE);
	str_append_data(text, data, size);
	input = i_stream_create_from_data(str_data(text), str_len(text));
	script = sieve_data_script_create_from_input(svinst, "fuzz", input);
	i_stream_unref(&input);
	ehandler = sieve_strbuf_ehandler_create(svinst, errors, FALSE, 10);
	sbin = sieve_compile_script(script, ehandler, 0, NULL);
	if (sbin != NULL) {
		fuzz_dump(sbin);
		sieve_close(&sbin);
	}
	sieve_error_handler_unref(&ehandler);
	sieve_script_unref(&script);
	str_free(&errors);
}
