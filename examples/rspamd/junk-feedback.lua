--[[ The symbol JUNK_FEEDBACK, whose value depends on the score of a message.

rspamd computes the score with libjunkscore from the shared memory of this host's
Dovecot. It needs neither a request to a server nor junk-feedback-milter. Load
this file in /etc/rspamd/rspamd.local.lua:

	dofile('/usr/share/dovecot-junk-feedback/examples/rspamd/junk-feedback.lua')

The defaults can be changed in /etc/rspamd/rspamd.conf.local:

	junk_feedback {
		scores = "/run/dovecot/junk-feedback.scores";
		library = "/usr/lib/dovecot/libjunkscore.so";
		# Points for a message with score 100.
		weight = 5.0;
		# The authserv-id of Authentication-Results that are evidence,
		# like junk_feedback_authserv_id. rspamd's own results are
		# added later than this symbol.
		authserv_id = "";
		# The MX whose client is evidence, like junk_feedback_mx. Mail
		# that rspamd gets through the milter protocol doesn't have
		# this MX's Received field yet.
		mx = "";
	}
]]
local ffi = require 'ffi'
local rspamd_logger = require 'rspamd_logger'

-- from junk-score.h
ffi.cdef [[
struct junk_scores *junk_scores_open(const char *path);
void junk_scores_set_authserv_id(struct junk_scores *scores, const char *id);
void junk_scores_set_mx(struct junk_scores *scores, const char *hosts);
int junk_scores_message(struct junk_scores *scores, const void *data,
	size_t size, const unsigned char *reporter);
const char *junk_scores_reason(struct junk_scores *scores);
]]

local opts = rspamd_config:get_all_opt('junk_feedback') or {}
local path = opts.scores or '/run/dovecot/junk-feedback.scores'
local found, lib = pcall(ffi.load,
	opts.library or '/usr/lib/dovecot/libjunkscore.so')
if not found then
	rspamd_logger.errx(rspamd_config,
		'junk-feedback: scores are not available: %s', lib)
	return
end

-- Each worker opens the scores with its first message.
local scores

-- A high score adds at most the whole weight. A low score subtracts at most a
-- fifth of it, since one wrong score must not outweigh the results of other rules.
local function strength(score)
	local s = (score - 50) / 50
	return s < 0 and s / 5 or s
end

local function check(task)
	if scores == nil then
		scores = lib.junk_scores_open(path)
		lib.junk_scores_set_authserv_id(scores, opts.authserv_id or '')
		lib.junk_scores_set_mx(scores, opts.mx or '')
	end
	local text = tostring(task:get_content())
	local score = lib.junk_scores_message(scores, text, #text, nil)
	-- an unknown score (JUNK_SCORES_UNKNOWN) gives no symbol
	if score >= 0 then
		task:insert_result('JUNK_FEEDBACK', strength(score),
			tostring(score),
			ffi.string(lib.junk_scores_reason(scores)))
	end
end

rspamd_config:register_symbol({
	name = 'JUNK_FEEDBACK',
	type = 'normal',
	score = tonumber(opts.weight) or 5.0,
	group = 'junk_feedback',
	description = 'What users of this host have reported as junk',
	callback = check,
})
