# Report all mail to a spam trap as spam. A spam trap is an address that was never
# given to anyone, so that all its mail is spam. An address to which users could
# write by mistake is no spam trap.
#
# If junk.sieve runs for all users, make this script the trap's sieve_before (a
# userdb field). Otherwise junk.sieve runs first, and mail that it files is not
# reported.
#
# A trap counts as one reporter, and the effect of one reporter on other users is
# limited. If a trap gets more mail than all users report, keep its mail instead,
# and run "doveadm junk learn -u TRAP spam mailbox INBOX" daily, which has no such
# limit.
require ["vnd.junk-feedback"];

junkreport "spam";
discard;
