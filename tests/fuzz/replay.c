/* Runs a harness on all of its seeds and past crashers as a unit test, which
   needs no fuzzer. If files are named as arguments, only these are used, to
   examine them. */

#include "lib.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int file_count = 0;

static void fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (f == NULL || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0)
		fail(path);
	rewind(f);
	/* allocate the exact size, so that valgrind detects reads beyond it */
	data = malloc(size == 0 ? 1 : (size_t)size);
	if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size)
		fail(path);
	fclose(f);
	/* the last line of a log names the file that crashed */
	printf("%s\n", path);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	file_count++;
}

static void replay_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];

	/* the folder of past crashers may be missing */
	if (d == NULL && errno == ENOENT)
		return;
	if (d == NULL)
		fail(dir);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir,
			       entry->d_name);
		replay_file(path);
	}
	closedir(d);
}

int main(int argc, char *argv[])
{
	static const char *const dirs[] = {
		FUZZ_SRCDIR"/seeds/"FUZZ_NAME,
		FUZZ_SRCDIR"/crashers/"FUZZ_NAME,
		/* the mail of other tests is an additional input */
		FUZZ_SRCDIR"/../data/tokens",
	};

	for (int i = 1; i < argc; i++)
		replay_file(argv[i]);
	for (size_t i = 0; i < N_ELEMENTS(dirs) && argc == 1; i++)
		replay_dir(dirs[i]);
	lib_deinit();
	/* seeds may be missing only if their folder was moved */
	if (file_count == 0) {
		fprintf(stderr, "there is nothing to replay\n");
		return 1;
	}
	return 0;
}
