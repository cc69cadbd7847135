# Turn SQL files into C strings: awk -f embed-sql.awk NAME FILE...
# schema.sql -> NAME_schema; upgrade-N.sql -> an entry of NAME_upgrades;
# views.sql -> NAME_views.
BEGIN {
	print "/* made from sql/ by embed-sql.awk */"
	print "#include \"lib.h\""
	print "#include \"junk-schema.h\""
}
function close_string() {
	if (open_string != "")
		print "\t\"\"" open_string
	open_string = ""
}
FNR == 1 {
	close_string()
	file = FILENAME
	sub(/.*\//, "", file)
	if (file == "schema.sql" || file == "views.sql") {
		name = file
		sub(/\.sql$/, "", name)
		print "const char junk_schema_" name "[] ="
		open_string = ";"
	} else {
		version = file
		gsub(/[^0-9]/, "", version)
		upgrades[++upgrade_count] = version
		print "static const char upgrade_" version "[] ="
		open_string = ";"
	}
}
{
	line = $0
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	print "\t\"" line "\\n\""
}
END {
	close_string()
	print "const struct junk_schema_upgrade junk_schema_upgrades[] = {"
	for (i = 1; i <= upgrade_count; i++)
		print "\t{ " upgrades[i] ", upgrade_" upgrades[i] " },"
	print "\t{ 0, NULL }"
	print "};"
}
