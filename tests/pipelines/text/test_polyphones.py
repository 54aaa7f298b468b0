import pytest

from pipelines.text.gpt_sovits.mandarin import syllables
from pipelines.text.mandarin import to_utterance
from pipelines.text.polyphones import corrections

CASES = """
我还要[还]他一百块钱 huan2
你[还]没吃饭 hai2
他来[还]钱 huan2
要[还]是不要 hai2
种子[种]在地里 zhong4
这[种]种子 zhong3
[种]花的人 zhong4
这一[行]很难 hang2
一[行]人走了 xing2
第三[行]字 hang2
他不[行] xing2
头发很[长] chang2
孩子[长]高了 zhang3
[长]长的路 chang2
河有三米[长] chang2
草[长]出来了 zhang3
他[长]得很好看 zhang3
我[得]去了 dei3
跑[得]快 de5
夺[得] de2
受不[了] liao3
慢慢[地]走 de5
草[地]上 di4
三[只]小猫 zhi1
[只]要他 zhi3
分[为]三份 wei2
[为]了你 wei4
[重]做一遍 chong2
很[重] zhong4
睡了一[觉] jiao4
我觉[得]好 de5
一[觉]醒来 jiao4
我感[觉]醒来了 jue2
叶子[落]下来 luo4
[落]下眼泪 luo4
他把书[还]了 huan2
慢慢[嚼] jiao2
咀[嚼] jue2
[撒]盐 sa3
[撒]谎 sa1
丢三[落]四 la4
打[中]了 zhong4
[中]了奖 zhong4
[中]了一箭 zhong4
家[中]了 zhong1
看[中]国 zhong1
说[中]文 zhong1
[系]着围巾 ji4
[系]鞋带 ji4
[系]上安全带 ji4
联[系]上了 xi4
中文[系] xi4
[大]夫 dai4
士[大]夫 da4
妈妈[教]我唱歌 jiao1
[教]室 jiao4
[数]一数 shu3
[数]学 shu4
[倒]水 dao4
摔[倒]了 dao3
[转]圈 zhuan4
[朝]他走来 chao2
今[朝] zhao1
有[空]吗 kong4
[空]气 kong1
[盛]饭 cheng2
找不[着] zhao2
睡不[着]觉 zhao2
手拉[着]手 zhe5
[着]手 zhuo2
[种]得很好 zhong4
看[着]他 zhe5
[弹]钢琴 tan2
[弹]得真好 tan2
[背]着果子 bei1
[背]着手 bei4
子[弹] dan4
[干]活 gan4
晒[干]了 gan1
[切]菜 qie1
一[切] qie4
唱一[曲] qu3
[应]该 ying1
[答]应 da1
银[行] hang2
重[庆] qing4
[重]庆 chong2
音[乐] yue4
快[乐] le4
首[都] du1
[都]去 dou1
""".strip().splitlines()


@pytest.mark.parametrize("case", CASES)
def test_readings(case):
    sentence, reading = case.split()
    place = sentence.index("[")
    characters = sentence.replace("[", "").replace("]", "")
    assert syllables(characters)[place] == reading


def test_the_bilingual_front_end_reads_the_same():
    utterance = to_utterance("我还要还他")
    assert utterance.phonemes[-5:-1] == ("zh/h", "zh/uan", "zh/t", "zh/a")


def test_plain_text_needs_no_correction():
    assert corrections("今天天气真好我们一起去公园散步吧") == {}
