#ifndef FUZZ_H
#define FUZZ_H

/* A harness defines what is done with one input:

	FUZZ_ONE(data, size) { ... }

   It may use the data stack; the library is initialised. */

#define FUZZ_ONE(data, size) \
	static void fuzz_one(const uint8_t *data, size_t size); \
	int LLVMFuzzerTestOneInput(const uint8_t *_data, size_t _size); \
	int LLVMFuzzerTestOneInput(const uint8_t *_data, size_t _size) \
	{ \
		if (!lib_is_initialized()) \
			lib_init(); \
		T_BEGIN { \
			fuzz_one(_data, _size); \
		} T_END; \
		return 0; \
	} \
	static void fuzz_one(const uint8_t *data, size_t size)

#endif
