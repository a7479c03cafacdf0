"""greenlets.py URL COUNT: requests of pycurl in greenlets, which share one C stack in turn and give way in their callbacks."""

import sys

import greenlet
import pycurl

url, count = sys.argv[1], int(sys.argv[2])
hub = greenlet.getcurrent()


def request():
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)

    def give_way(chunk):
        hub.switch()
        return len(chunk)

    handle.setopt(pycurl.WRITEFUNCTION, give_way)
    handle.perform()
    answer = handle.getinfo(pycurl.RESPONSE_CODE)
    handle.close()
    return answer


def nested(depth):
    # Each of these is a call by way of C, so the next frames are deeper.
    return max(map(nested, [depth - 1])) if depth else request()


waiting = [greenlet.greenlet(nested) for _ in range(count)]
answers = []
for number, each in enumerate(waiting):
    each.switch(number % 3 * 5)
while waiting:
    for each in list(waiting):
        answer = each.switch()
        if each.dead:
            waiting.remove(each)
            answers.append(answer)
print(len(answers), set(answers))
