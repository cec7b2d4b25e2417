"""+switch-master as subscribers saw it: one message per sentinel and switch, with the right words."""


def faults_of(listener, group_name, first, final, observer):
    """What is wrong with one listener's messages, in sentences; nothing when all is well."""
    wrong = []
    for sentinel in observer.seen:
        payloads = [payload for _, origin, payload in listener.messages if origin == sentinel]
        polled = [address for _, address in observer.seen[sentinel]]
        wrong += [f"{sentinel}: {text}" for text in chain_faults(payloads, group_name, first, final, polled)]
    wrong += [f"at {at:.3f}: {text}" for at, text in listener.errors]
    return wrong


def chain_faults(payloads, group_name, first, final, polled):
    """Each message must leave from where the one before it led: that rules out doubles, gaps and wrong addresses."""
    at, visited = first, [first]
    for payload in payloads:
        words = payload.split(" ")
        if len(words) != 5 or words[0] != group_name:
            yield f"bad payload: {payload!r}"
            continue
        old, new = f"{words[1]}:{words[2]}", f"{words[3]}:{words[4]}"
        if old != at or new == old:
            yield f"{payload!r}, but the primary was {at}"
        at = new
        visited.append(new)
    if at != final:
        yield f"the last switch led to {at}, but the primary is {final}"
    if not in_order(polled, visited):
        yield f"asked, it named {polled}; its messages say {visited}"


def in_order(some, every):
    """Polling may miss a short reign, never see one that was not announced."""
    rest = iter(every)
    return all(any(one == other for other in rest) for one in some)
