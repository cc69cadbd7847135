# The only script of a spam trap: an address that was never given to anyone,
# so that all mail that it gets is spam. One that a mail server's users could
# write to by mistake is no spam trap. Where junk.sieve runs for everybody, mail
# that it files is not reported by this one: make this the trap's sieve_before
# (a userdb field) to have all of it reported. A trap counts as one reporter,
# who teaches the others no more than his share. Where one gets more than all
# users report, keep its mail instead, and let "doveadm junk learn -u TRAP spam
# mailbox INBOX", which isn't limited, run daily.
require ["vnd.junk-feedback"];

junkreport "spam";
discard;
