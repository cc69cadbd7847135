--[[ The symbol JUNK_FEEDBACK_HEADER for mail that has a high score in the field
of junk-feedback-milter. It is for an rspamd on another host than Dovecot. Postfix'
smtpd_milters must name junk-feedback-milter before rspamd. Load this file in
/etc/rspamd/rspamd.local.lua:

	dofile('/usr/share/dovecot-junk-feedback/examples/rspamd/junk-feedback-header.lua')

Only a high score counts. The milter doesn't change mail of this host's own
senders, so a sender may have written "X-Junk-Score: 0".
]]
config['regexp']['JUNK_FEEDBACK_HEADER'] = {
	re = 'X-Junk-Score=/^(?:9[0-9]|100)$/H',
	score = 5.0,
	group = 'junk_feedback',
	description = 'junk-feedback-milter has scored it 90 or more',
}
