#ifndef JUNK_DATABASE_H
#define JUNK_DATABASE_H

/* Identification of the service's database for programs that read it beside the
   service: PRAGMA application_id ("JFbk") and user_version of
   sql/schema.sql. */
#define JUNK_DATABASE_APPLICATION_ID 0x4a46626b
#define JUNK_DATABASE_VERSION 5

#endif
