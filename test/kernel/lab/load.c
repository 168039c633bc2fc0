/*
 * Offers UDP datagrams to the lab's receiver, as standard input tells it to. It ends when its input does.
 *
 * Where traffic may go is not left to the caller: the sockets are opened inside one of the lab's own network
 * namespaces (/run/netns/softnet-...), bound to one of its interfaces, and only 198.18.0.0/15 is a destination, the range
 * that RFC 2544 sets aside for benchmarks. How long is not either: an alarm ends the process.
 *
 * Commands, a line each:
 *   pace BURST PERIOD_NS   BURST sends every PERIOD_NS nanoseconds until told otherwise; 0 0 pauses
 *   send COUNT             COUNT sends, as fast as they go
 *   report                 nothing
 * Each is answered, once it took effect, by
 *   sent DATAGRAMS failed SENDS
 * with the totals so far.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
	MOST_SECONDS = 300,
	MOST_FLOWS = 1024,
	MOST_SENDS_PER_CALL = 64,
	MOST_PAYLOAD = 1472,
	MOST_SEGMENTS = 64,
	DISCARD_PORT = 9,
};

static const int64_t NS_PER_SECOND = 1000000000;

/* A sender that was kept off its CPU for longer than this forgets what it owes: a late flood would be another fault. */
static const int64_t MOST_DEBT_NS = 50000000;

struct settings {
	const char *namespace;
	const char *interface;
	struct in_addr to;
	long seconds, flows, first_port, payload, segments, cpu;
};

struct sender {
	int sockets[MOST_FLOWS];
	long flows;
	long next_flow;
	long datagrams_per_send;
	struct mmsghdr messages[MOST_SENDS_PER_CALL];
	struct iovec body;
	uint64_t sent, failed;
};

static void die(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, values);
	fputc('\n', stderr);
	va_end(values);
	exit(2);
}

static long whole(const char *name, const char *text, long least, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < least || value > most)
		die("--%s: expected a whole number from %ld to %ld, got \"%s\"", name, least, most, text);
	return value;
}

static struct settings read_settings(int argc, char **argv)
{
	static const struct option names[] = {
		{ "namespace", required_argument, NULL, 'N' }, { "interface", required_argument, NULL, 'i' },
		{ "to", required_argument, NULL, 't' },	       { "seconds", required_argument, NULL, 's' },
		{ "flows", required_argument, NULL, 'f' },     { "first-port", required_argument, NULL, 'p' },
		{ "payload", required_argument, NULL, 'b' },   { "segments", required_argument, NULL, 'g' },
		{ "cpu", required_argument, NULL, 'c' },       { 0 },
	};
	struct settings asked = { .seconds = 30, .flows = 1, .first_port = 20000, .payload = 18, .segments = 1, .cpu = -1 };
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 'N': asked.namespace = optarg; break;
		case 'i': asked.interface = optarg; break;
		case 't':
			if (inet_pton(AF_INET, optarg, &asked.to) != 1)
				die("--to: expected an IPv4 address, got \"%s\"", optarg);
			break;
		case 's': asked.seconds = whole("seconds", optarg, 1, MOST_SECONDS); break;
		case 'f': asked.flows = whole("flows", optarg, 1, MOST_FLOWS); break;
		case 'p': asked.first_port = whole("first-port", optarg, 1024, 60000); break;
		case 'b': asked.payload = whole("payload", optarg, 1, MOST_PAYLOAD); break;
		case 'g': asked.segments = whole("segments", optarg, 1, MOST_SEGMENTS); break;
		case 'c': asked.cpu = whole("cpu", optarg, 0, CPU_SETSIZE - 1); break;
		default: exit(2);
		}
	}
	if (!asked.namespace || strncmp(asked.namespace, "softnet-", 8) != 0 || strchr(asked.namespace, '/'))
		die("--namespace: expected one of the lab's own, softnet-...");
	if (!asked.interface)
		die("--interface: expected the interface to send through");
	if ((ntohl(asked.to.s_addr) & 0xfffe0000) != 0xc6120000)
		die("--to: expected an address in 198.18.0.0/15");
	if (asked.payload * asked.segments > 65000)
		die("--segments: expected at most 65000 bytes a send, got %ld", asked.payload * asked.segments);
	return asked;
}

static void enter_namespace(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("cannot enter %s: %s", path, strerror(errno));
	close(fd);
}

static int open_flow(const struct settings *asked, long flow)
{
	/* A veth lets a waiting packet count against its sender, so with the usual buffer one socket could not fill a queue. */
	int buffer = 512 << 20, segment = asked->payload;
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(asked->first_port + flow) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr = asked->to };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, asked->interface, strlen(asked->interface)) ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    (asked->segments > 1 && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment))))
		die("cannot open flow %ld: %s", flow, strerror(errno));
	return fd;
}

static void open_sender(struct sender *sender, const struct settings *asked)
{
	sender->flows = asked->flows;
	sender->datagrams_per_send = asked->segments;
	sender->body.iov_len = asked->payload * asked->segments;
	sender->body.iov_base = calloc(1, sender->body.iov_len);
	for (long flow = 0; flow < asked->flows; flow++)
		sender->sockets[flow] = open_flow(asked, flow);
	for (int i = 0; i < MOST_SENDS_PER_CALL; i++) {
		sender->messages[i].msg_hdr.msg_iov = &sender->body;
		sender->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Spreads the sends over the flows, each flow's share in one system call, and goes on next time where it ended. */
static void send_burst(struct sender *sender, int64_t count)
{
	int64_t share = (count + sender->flows - 1) / sender->flows;

	if (share > MOST_SENDS_PER_CALL)
		share = MOST_SENDS_PER_CALL;
	while (count > 0) {
		int64_t now = count < share ? count : share;
		int done = sendmmsg(sender->sockets[sender->next_flow], sender->messages, now, 0);

		sender->next_flow = (sender->next_flow + 1) % sender->flows;
		if (done > 0)
			sender->sent += (uint64_t)done * sender->datagrams_per_send;
		if (done < now)
			sender->failed += now - (done > 0 ? done : 0);
		count -= now;
	}
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Waits for a command until `due_ns`; without a due time for as long as it takes. */
static bool command_comes(int64_t due_ns)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t left = due_ns - now_ns();
	struct timespec wait = { 0 };

	if (left > 0)
		wait = (struct timespec){ left / NS_PER_SECOND, left % NS_PER_SECOND };
	return ppoll(&input, 1, due_ns ? &wait : NULL, NULL) > 0;
}

static void serve(struct sender *sender)
{
	int64_t burst = 0, period_ns = 0, due_ns = 0, count;
	char line[128];

	for (;;) {
		if (command_comes(due_ns)) {
			if (!fgets(line, sizeof(line), stdin))
				return;
			if (sscanf(line, "pace %" SCNd64 " %" SCNd64, &burst, &period_ns) == 2)
				due_ns = burst > 0 ? now_ns() : 0;
			else if (sscanf(line, "send %" SCNd64, &count) == 1)
				send_burst(sender, count);
			else if (strcmp(line, "report\n") != 0)
				die("expected pace, send or report, got \"%s\"", line);
			printf("sent %" PRIu64 " failed %" PRIu64 "\n", sender->sent, sender->failed);
		} else if (due_ns) {
			send_burst(sender, burst);
			due_ns += period_ns;
			if (now_ns() - due_ns > MOST_DEBT_NS)
				due_ns = now_ns();
		}
	}
}

int main(int argc, char **argv)
{
	static struct sender sender;
	struct settings asked = read_settings(argc, argv);
	cpu_set_t cpus;

	/* The test that started us may be killed: neither of these outlives it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(asked.seconds);
	prctl(PR_SET_TIMERSLACK, 1);
	if (asked.cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(asked.cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus))
			die("cannot run on CPU %ld: %s", asked.cpu, strerror(errno));
	}
	enter_namespace(asked.namespace);
	open_sender(&sender, &asked);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Unbuffered, so that what poll() says of the descriptor is also true of the stream. */
	setvbuf(stdin, NULL, _IONBF, 0);
	puts("ready");
	serve(&sender);
	return 0;
}
