<?php
// The buttons move the message, which is a report. No driver is needed.
$config['markasjunk_spam_mbox'] = 'Junk';
$config['markasjunk_ham_mbox'] = 'INBOX';
$config['markasjunk_toolbar'] = true;
