/* Noise-corrected logistic regression with AdaGrad over hashed tokens, shared
   and personal weights learned together.

   For a report with label y (spam 1, ham 0), s and p as in junk-model.h with
   the weights that a reader sees:

     q = (1 - 2 rho) p + rho          probability of the label as reported
     e = (1 - 2 rho) p (1-p) (y - q) / (q (1-q))
     g = e / sqrt(tokens in group)    for each token
     G += g^2;  w += eta g / (sqrt(G) + eps)

   AdaGrad: Duchi, Hazan, Singer 2011. Noisy labels: Natarajan et al. 2013. */

#include "lib.h"
#include "buffer.h"
#include "junk-limits.h"
#include "junk-learner.h"

#include <math.h>

#define LEARN_RATE 0.5
#define LEARN_EPSILON 0.01
/* The part of wrong labels that is assumed, once NOISE_WARMUP_REPORTS of
   either class are known. */
#define NOISE_RATE 0.1
#define NOISE_WARMUP_REPORTS 100
#define WEAK_HAM_WEIGHT 0.3
#define MAX_WEIGHT 7.99

#define DEFAULT_LOG2 18
#define MIN_LOG2 8
#define MAX_LOG2 22

struct learner_table {
	unsigned int log2;
	float *weights;
	/* AdaGrad: sum of squared gradients */
	float *squares;
};

struct junk_learner {
	struct junk_learner_settings set;
	struct learner_table global, personal;
	/* For each shared weight: a bit for each (hashed) reporter. */
	uint64_t *reporters;
	float bias, bias_square;
	uint32_t spam_count, ham_count;

	int16_t *published, *own_published;
};

/* What is known of the report that is being learned. */
struct learner_example {
	unsigned int count;
	uint32_t global_idx[JUNK_MAX_TOKENS];
	uint32_t personal_idx[JUNK_MAX_TOKENS];
	float scale[JUNK_MAX_TOKENS];
};

void junk_learner_settings_init(struct junk_learner_settings *set_r)
{
	i_zero(set_r);
	set_r->global_log2 = DEFAULT_LOG2;
	set_r->personal_log2 = DEFAULT_LOG2;
	set_r->min_reporters = 2;
	set_r->min_reports = 10;
	set_r->min_evidence = 4;
}

static void table_init(struct learner_table *table, unsigned int log2)
{
	table->log2 = log2;
	table->weights = i_new(float, (size_t)1 << log2);
	table->squares = i_new(float, (size_t)1 << log2);
}

static void table_deinit(struct learner_table *table)
{
	i_free(table->weights);
	i_free(table->squares);
}

size_t junk_learner_weights_size(struct junk_learner *learner)
{
	return (((size_t)1 << learner->global.log2) +
		((size_t)1 << learner->personal.log2)) * sizeof(int16_t);
}

struct junk_learner *
junk_learner_init(const struct junk_learner_settings *set)
{
	struct junk_learner *learner;

	i_assert(set->global_log2 >= MIN_LOG2 && set->global_log2 <= MAX_LOG2);
	i_assert(set->personal_log2 >= MIN_LOG2 &&
		 set->personal_log2 <= MAX_LOG2);

	learner = i_new(struct junk_learner, 1);
	learner->set = *set;
	table_init(&learner->global, set->global_log2);
	table_init(&learner->personal, set->personal_log2);
	learner->reporters = i_new(uint64_t, (size_t)1 << set->global_log2);
	junk_learner_set_published(learner, NULL);
	return learner;
}

void junk_learner_deinit(struct junk_learner **_learner)
{
	struct junk_learner *learner = *_learner;

	if (learner == NULL)
		return;
	*_learner = NULL;
	table_deinit(&learner->global);
	table_deinit(&learner->personal);
	i_free(learner->reporters);
	i_free(learner->own_published);
	i_free(learner);
}

/* --- publishing --- */

static void weight_publish(int16_t *dest, float weight)
{
	int16_t value = lrintf(weight * JUNK_WEIGHT_SCALE);

	__atomic_store_n(dest, value, __ATOMIC_RELAXED);
}

static bool global_is_public(const struct junk_learner *learner, size_t idx)
{
	return (unsigned int)__builtin_popcountll(learner->reporters[idx]) >=
		learner->set.min_reporters;
}

static void publish_all(struct junk_learner *learner)
{
	size_t global_count = (size_t)1 << learner->global.log2;
	size_t personal_count = (size_t)1 << learner->personal.log2;

	for (size_t i = 0; i < global_count; i++) {
		weight_publish(&learner->published[i],
			       global_is_public(learner, i) ?
			       learner->global.weights[i] : 0);
	}
	for (size_t i = 0; i < personal_count; i++) {
		weight_publish(&learner->published[global_count + i],
			       learner->personal.weights[i]);
	}
}

void junk_learner_set_published(struct junk_learner *learner,
				int16_t *weights)
{
	if (weights != NULL) {
		learner->published = weights;
		i_free(learner->own_published);
	} else if (learner->own_published == NULL) {
		learner->own_published =
			i_malloc(junk_learner_weights_size(learner));
		learner->published = learner->own_published;
	}
	publish_all(learner);
}

void junk_learner_model(struct junk_learner *learner,
			struct junk_model *model_r)
{
	i_zero(model_r);
	model_r->weights = learner->published;
	model_r->global_log2 = learner->global.log2;
	model_r->personal_log2 = learner->personal.log2;
	model_r->seed = learner->set.seed;
	model_r->bias = learner->bias;
	model_r->cal_a = 1;
	model_r->cal_b = 0;
	model_r->spam_count = learner->spam_count;
	model_r->ham_count = learner->ham_count;
	model_r->min_reports = learner->set.min_reports;
	model_r->min_evidence = learner->set.min_evidence;
}

/* --- learning --- */

static void
example_init(const struct junk_learner *learner,
	     const struct junk_report *report, uint64_t person,
	     struct learner_example *example_r)
{
	unsigned int groups[JUNK_TOKEN_GROUP_COUNT] = { 0, 0 };
	unsigned int count = I_MIN(report->token_count, JUNK_MAX_TOKENS);
	float scales[JUNK_TOKEN_GROUP_COUNT];

	for (unsigned int i = 0; i < count; i++)
		groups[junk_token_group(report->tokens[i])]++;
	for (unsigned int i = 0; i < JUNK_TOKEN_GROUP_COUNT; i++)
		scales[i] = groups[i] == 0 ? 0 : 1 / sqrtf(groups[i]);

	example_r->count = count;
	for (unsigned int i = 0; i < count; i++) {
		junk_token_t token = report->tokens[i];

		example_r->global_idx[i] =
			junk_model_hash_index(learner->set.seed,
					      learner->global.log2, token);
		example_r->personal_idx[i] =
			junk_model_hash_index(person, learner->personal.log2,
					      token);
		example_r->scale[i] = scales[junk_token_group(token)];
	}
}

/* The sum that a reader would get. */
static double
example_sum(const struct junk_learner *learner,
	    const struct learner_example *example)
{
	double sum = learner->bias;

	for (unsigned int i = 0; i < example->count; i++) {
		float w = learner->personal.weights[example->personal_idx[i]];

		if (global_is_public(learner, example->global_idx[i]))
			w += learner->global.weights[example->global_idx[i]];
		sum += w * example->scale[i];
	}
	return sum;
}

static double noise_rate(const struct junk_learner *learner)
{
	uint32_t known = I_MIN(learner->spam_count, learner->ham_count);

	return NOISE_RATE * I_MIN(known, NOISE_WARMUP_REPORTS) /
		NOISE_WARMUP_REPORTS;
}

static double example_error(double sum, double label, double noise)
{
	double p = 1 / (1 + exp(-sum));
	double q = (1 - 2 * noise) * p + noise;

	/* without noise this is label - p, also where p is 0 or 1 */
	if (noise == 0)
		return label - p;
	return (1 - 2 * noise) * p * (1 - p) * (label - q) / (q * (1 - q));
}

static void weight_step(float *weight, float *square, float gradient)
{
	*square += gradient * gradient;
	*weight += LEARN_RATE * gradient / (sqrtf(*square) + LEARN_EPSILON);
	if (*weight > MAX_WEIGHT)
		*weight = MAX_WEIGHT;
	else if (*weight < -MAX_WEIGHT)
		*weight = -MAX_WEIGHT;
}

static void
example_learn(struct junk_learner *learner,
	      const struct learner_example *example, double error)
{
	struct learner_table *global = &learner->global;
	struct learner_table *personal = &learner->personal;
	int16_t *published_personal =
		learner->published + ((size_t)1 << global->log2);

	for (unsigned int i = 0; i < example->count; i++) {
		uint32_t gidx = example->global_idx[i];
		uint32_t pidx = example->personal_idx[i];
		float gradient = error * example->scale[i];

		weight_step(&global->weights[gidx], &global->squares[gidx],
			    gradient);
		weight_step(&personal->weights[pidx], &personal->squares[pidx],
			    gradient);
		if (global_is_public(learner, gidx)) {
			weight_publish(&learner->published[gidx],
				       global->weights[gidx]);
		}
		weight_publish(&published_personal[pidx],
			       personal->weights[pidx]);
	}
	weight_step(&learner->bias, &learner->bias_square, error);
}

void junk_learner_learn(struct junk_learner *learner,
			const struct junk_report *report, double weight)
{
	struct learner_example example;
	uint64_t person = junk_model_person(learner->set.seed,
					    report->reporter);
	double label, error;

	switch (report->verdict) {
	case JUNK_VERDICT_SPAM:
		label = 1;
		break;
	case JUNK_VERDICT_WEAK_HAM:
		weight *= WEAK_HAM_WEIGHT;
		/* fall through */
	case JUNK_VERDICT_HAM:
		label = 0;
		break;
	default:
		return;
	}
	example_init(learner, report, person, &example);
	for (unsigned int i = 0; i < example.count; i++) {
		learner->reporters[example.global_idx[i]] |=
			UINT64_C(1) << (person >> 58);
	}
	error = example_error(example_sum(learner, &example), label,
			      noise_rate(learner));
	example_learn(learner, &example, error * weight);
	if (label > 0)
		learner->spam_count++;
	else
		learner->ham_count++;
}

void junk_learner_forget(struct junk_learner *learner ATTR_UNUSED,
			 const struct junk_report *report ATTR_UNUSED)
{
}

/* --- snapshots --- */

struct learner_header {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint32_t feature_set;
	uint8_t global_log2, personal_log2;
	uint16_t unused;
	uint64_t seed;
	uint32_t spam_count, ham_count;
	float bias, bias_square;
};

#define LEARNER_MAGIC "JUNKLRN1"
#define LEARNER_VERSION 1
#define LEARNER_BYTE_ORDER 0x01020304

static size_t state_size(const struct junk_learner *learner)
{
	size_t global = (size_t)1 << learner->global.log2;
	size_t personal = (size_t)1 << learner->personal.log2;

	return sizeof(struct learner_header) +
		(global + personal) * 2 * sizeof(float) +
		global * sizeof(uint64_t);
}

static void export_table(const struct learner_table *table, buffer_t *dest)
{
	size_t bytes = ((size_t)1 << table->log2) * sizeof(float);

	buffer_append(dest, table->weights, bytes);
	buffer_append(dest, table->squares, bytes);
}

void junk_learner_export(struct junk_learner *learner, buffer_t *dest)
{
	struct learner_header header;

	i_zero(&header);
	memcpy(header.magic, LEARNER_MAGIC, sizeof(header.magic));
	header.version = LEARNER_VERSION;
	header.byte_order = LEARNER_BYTE_ORDER;
	header.feature_set = JUNK_FEATURE_SET;
	header.global_log2 = learner->global.log2;
	header.personal_log2 = learner->personal.log2;
	header.seed = learner->set.seed;
	header.spam_count = learner->spam_count;
	header.ham_count = learner->ham_count;
	header.bias = learner->bias;
	header.bias_square = learner->bias_square;
	buffer_append(dest, &header, sizeof(header));
	export_table(&learner->global, dest);
	export_table(&learner->personal, dest);
	buffer_append(dest, learner->reporters,
		      ((size_t)1 << learner->global.log2) * sizeof(uint64_t));
}

/* Weights, then squares: within the bounds that learning keeps. */
static bool table_is_sane(const void *data, size_t count)
{
	float value;

	for (size_t i = 0; i < 2 * count; i++) {
		memcpy(&value, CONST_PTR_OFFSET(data, i * sizeof(value)),
		       sizeof(value));
		if (!isfinite(value))
			return FALSE;
		if (i < count ? fabsf(value) > 8 : value < 0)
			return FALSE;
	}
	return TRUE;
}

static const char *
state_error(const struct junk_learner *learner,
	    const struct learner_header *header, const void *data, size_t size)
{
	size_t global = (size_t)1 << learner->global.log2;
	size_t personal = (size_t)1 << learner->personal.log2;

	if (size < sizeof(*header) ||
	    memcmp(header->magic, LEARNER_MAGIC, sizeof(header->magic)) != 0)
		return "not a model";
	if (header->byte_order != LEARNER_BYTE_ORDER)
		return "made on a machine of the other byte order";
	if (header->version != LEARNER_VERSION)
		return t_strdup_printf("version %u, expected %u",
				       header->version, LEARNER_VERSION);
	if (header->feature_set != JUNK_FEATURE_SET)
		return t_strdup_printf("feature set %u, expected %u",
				       header->feature_set, JUNK_FEATURE_SET);
	if (header->global_log2 != learner->global.log2 ||
	    header->personal_log2 != learner->personal.log2)
		return "other table sizes";
	if (size != state_size(learner))
		return "wrong size";
	data = CONST_PTR_OFFSET(data, sizeof(*header));
	if (!(fabsf(header->bias) <= 8) || !(header->bias_square >= 0) ||
	    !table_is_sane(data, global) ||
	    !table_is_sane(CONST_PTR_OFFSET(data, 2 * global * sizeof(float)),
			   personal))
		return "a weight is out of range";
	return NULL;
}

static const void *
import_floats(float *dest, const void *data, size_t count)
{
	memcpy(dest, data, count * sizeof(*dest));
	return CONST_PTR_OFFSET(data, count * sizeof(*dest));
}

int junk_learner_import(struct junk_learner *learner, const void *data,
			size_t size, const char **error_r)
{
	struct learner_header header;
	size_t global = (size_t)1 << learner->global.log2;
	size_t personal = (size_t)1 << learner->personal.log2;

	i_zero(&header);
	memcpy(&header, data, I_MIN(size, sizeof(header)));
	*error_r = state_error(learner, &header, data, size);
	if (*error_r != NULL)
		return -1;

	learner->set.seed = header.seed;
	learner->spam_count = header.spam_count;
	learner->ham_count = header.ham_count;
	learner->bias = header.bias;
	learner->bias_square = header.bias_square;
	data = CONST_PTR_OFFSET(data, sizeof(header));
	data = import_floats(learner->global.weights, data, global);
	data = import_floats(learner->global.squares, data, global);
	data = import_floats(learner->personal.weights, data, personal);
	data = import_floats(learner->personal.squares, data, personal);
	memcpy(learner->reporters, data, global * sizeof(uint64_t));
	publish_all(learner);
	return 0;
}
