#!/bin/sh
exec cat >>/var/vmail/learned
