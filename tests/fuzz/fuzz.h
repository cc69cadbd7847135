#ifndef FUZZ_H
#define FUZZ_H

/* A harness defines what is done with one input:

     FUZZ_ONE(data, size) { ... }

   It may use the data stack; the library is initialised. */

/* Number of memory loads in lib-junk: tests/fuzz/run lets clang call this at
   each. The number depends neither on the run nor on the machine's load. It
   stays 0 in replay.c's builds. */
static uint64_t fuzz_loads_count ATTR_UNUSED = 0;

#define FUZZ_COUNT_LOADS(bytes, type) \
	void __sanitizer_cov_load##bytes(type *p); \
	void __sanitizer_cov_load##bytes(type *p ATTR_UNUSED) \
	{ fuzz_loads_count++; }
FUZZ_COUNT_LOADS(1, uint8_t)
FUZZ_COUNT_LOADS(2, uint16_t)
FUZZ_COUNT_LOADS(4, uint32_t)
FUZZ_COUNT_LOADS(8, uint64_t)
FUZZ_COUNT_LOADS(16, __uint128_t)

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
