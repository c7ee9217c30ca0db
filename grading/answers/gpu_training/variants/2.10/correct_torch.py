import torch


def column_row_mlp(x, weights, gradient, rank, ranks, all_reduce):
    up, down = (torch.from_numpy(each) for each in weights)
    x = torch.tensor(x, requires_grad=True)
    part = torch.relu(x @ up.chunk(ranks, 1)[rank]) @ down.chunk(ranks)[rank]
    output = all_reduce(part.detach().numpy())
    part.backward(torch.from_numpy(gradient))
    return output, all_reduce(x.grad.numpy())


def gpipe(stages, micro_batches):
    forwards = [("F", m) for m in range(micro_batches)]
    backwards = [("B", m) for m in reversed(range(micro_batches))]
    return [forwards + backwards] * stages


def one_forward_one_backward(stages, micro_batches):
    schedule = []
    for stage in range(stages):
        ahead = min(micro_batches, stages - stage - 1)
        work = [("F", m) for m in range(ahead)]
        for m in range(micro_batches - ahead):
            work += [("F", ahead + m), ("B", m)]
        work += [("B", m) for m in range(micro_batches - ahead, micro_batches)]
        schedule.append(work)
    return schedule
