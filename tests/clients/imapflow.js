// Calls methods of imapflow, a client library, for test_imapflow.py. Standard
// input has lines with JSON: [connection, method, argument ...]. A connection is
// opened when it is first named, and ends with the method logout. The answer is
// a line with the JSON of the result.
//
//	node imapflow.js PORT USER PASSWORD

"use strict";

const readline = require("node:readline");
const {ImapFlow} = require("imapflow");

const [port, user, pass] = process.argv.slice(2);
const connections = new Map();

async function connection(name) {
	if (!connections.has(name)) {
		const client = new ImapFlow({
			host: "127.0.0.1",
			port: Number(port),
			secure: false,
			auth: {user, pass},
			logger: false,
		});
		await client.connect();
		connections.set(name, client);
	}
	return connections.get(name);
}

async function main() {
	for await (const line of readline.createInterface({input: process.stdin})) {
		const [name, method, ...args] = JSON.parse(line);
		const client = await connection(name);
		const result = await client[method](...args);
		if (method === "logout")
			connections.delete(name);
		// Maps and BigInts have no JSON
		console.log(JSON.stringify(result, (key, value) =>
			value instanceof Map ? [...value] :
			typeof value === "bigint" ? String(value) : value) ?? "null");
	}
	for (const client of connections.values())
		client.close();
}

main();
