"""Sentences whose first 地 or 得 has the reading that they stand under, by the shipped voice's front end."""

import pytest

from pipelines.text.gpt_sovits.mandarin import syllables
from pipelines.text.mandarin import _segment, spoken_syllables

SENTENCES = {
    "de5": """
        他生气地走了 使劲地拉 雪花一片一片地落 奶奶笑眯眯地点了点头 河水哗啦啦地流着 辣得直流眼泪 肚子饿得咕咕叫 香得让人忘了回家 头也不回地走了 狐狸狡猾地笑了 恭敬地站着
        他高兴地说 快乐地跑着 开心地笑了 温柔地说 大声地喊 认真地看书 难过地哭了 不停地跑 飞快地跑
        一步一步地走 慢慢地走 蹑手蹑脚地走进来 小心翼翼地打开门 他静静地坐着 轻轻地拍了拍
        他不由自主地看了看 非常努力地工作 很快地 急忙地跑 奇怪地问 一个劲地哭 一口气地说完
        一遍又一遍地看 安静地听 毫不犹豫地答应 偷偷地笑 高高兴兴地上学 高兴地上学去
        兴奋地从床上跳起来 紧张地对他说 不住地点头 不断地下雨 用力地把门推开 礼貌地问 热情地招呼
        耐心地讲 伤心地哭 幸福地笑 一个个地走 一点一点地爬 一天天地长大 好奇地看着 勇敢地走
        生气地说 笑眯眯地说 气喘吁吁地跑来 似的地跑 飞一般地跑 像风一样地跑 猛地站起来 静悄悄地
        慢慢地 深深地吸了一口气 小声地说 呆呆地站着 一动不动地躺着 自由自在地飞 严肃地告诉他
        仔细地想了想 安全地回家 成功地做完 温暖地抱着 紧紧地抱住 远远地看见 三三两两地走 画得很好
        累得说不出话 高兴得跳起来 雪下得很大 气得要命 吓得跑了 变得很大 他变得很安静 他长得很高
        疼得眼泪直流 听得见 跑得快 看得懂 说得对 来得及 做得完 睡得很香 忙得不可开交 唱得真好听
        吃得太多 说得清楚 美得像画 冷得发抖 热得要死 大得多 好得多 快得像风 笑得合不拢嘴
        气得他哭了 急得团团转 哭得很伤心 起得早 住得远 要得 写得好 来得早不如 他打得好 你说得对
        做得好 干得好 跑得比我快 打得他直叫 逗得大家哈哈大笑 高兴得不得了 累得够呛 病得很重
        伤得不轻 看得出来 拿得动 树长得又高又大 花开得真美 雨下得好大 风刮得很大 懂得多 多得数不清
        少得可怜 伤心得哭了 生气得跳起来 激动得哭了 安静得像夜晚 觉得好 记得 显得 值得 舍得 免得
        使得 饿得咕咕叫 笑得前仰后合 飞得很高 走得慢 玩得开心 过得很好 时间过得快 长得漂亮
        红得像火 亮得刺眼 静得可怕 黑得什么都看不见 高得像山 听得入迷 说得好 记得住 等得不耐烦
        美得让人陶醉 小得像豆子 怕得发抖 考得不好 跑得满头大汗 哭得像个孩子 唱得好听极了 玩得很高兴
        睡得正香 想得太多 做得到 办得到 赶得上 算得上 说得过去 穿得暖 吃得饱 站得高 看得远
        早得很 好得很 乐得合不拢嘴
    """,
    "dei3": """
        狗得吃饭 这件事得由你来做 老王得去
        你得小心 你得快点 我得去 我们还得等 都得走 就得这样 必须得去 这事得办 得看情况 得想个办法
        恐怕得下雨 他得走了 得有人帮忙 这得多少钱 得花很多钱 我得打电话 他得吃药 孩子得上学
        他说我得休息 今天得早点睡 老师得批作业 爸爸得上班 可得小心 你得听话 我得回家了 小明得去
        明天得上课 非得去 你得很小心 你得多喝水 他又得重新开始 大家得帮忙 谁得去 咱们得走
        现在得睡觉 得先吃饭 得好好想 你得把门关上 这得问妈妈 我得一个人去 还得再等
    """,
    "de2": """
        他得过第一名 他们班得了三等奖
        获得 取得 赢得 求得 博得 他得奖了 得了病 得一百分 他考试得一百分 得到 他得了第一名
        想得奖 会得病 他得了一百分 她得了冠军 得出结论 得知消息 得以团聚 得分 得病的人 得过且过
        我得了感冒 没得到 得不到 得到了 获得了 分得一块 心得 难得 得罪 得逞 怪不得 巴不得
        了不得 会得肺炎 得第一 舍不得 得意 得体 只得
    """,
    "di4": """
        目的地到了 冰天雪地 所在地 发源地 出生地
        一块地 这块地很大 扫了地 把地扫了 地很滑 满地都是 他种的地 在地上 下地干活 大地 土地
        拖地 拖了地 地里有菜 地下有水 我在地里干活 地是湿的 地球 种地 种地的人 一大片地 倒在地
        席地而坐 天地 有地方 地上有水 躺在地 摔倒在地 湿地 农民的地没了 买地盖房 有地种 三亩地
        一块地种菜 田地 草地 玉米地长满了草 这片地种满了花 天天扫地 在地里 各地 当地 扑通倒地
        地震 地图 地方 地面 原地 目的地 随地 遍地 此地 空地 余地 特地
    """,
}
CASES = [(sentence, reading) for reading, listed in SENTENCES.items() for sentence in listed.split()]


def place(sentence: str) -> int:
    return next(index for index, character in enumerate(sentence) if character in "地得")


@pytest.mark.parametrize(("sentence", "reading"), CASES)
def test_the_particle(sentence, reading):
    spoken = [said for word in spoken_syllables(_segment(sentence)) for said in word]
    syllable, tone = spoken[place(sentence)]
    assert f"{syllable}{tone}" == reading or (reading, tone) == ("dei3", 2)


@pytest.mark.parametrize(
    ("sentence", "reading"),
    [("他高兴地说", "de5"), ("雪花一片一片地落", "de5"), ("画得很好", "de5"), ("你得小心", "dei3")],
)
def test_both_front_ends_read_it_so(sentence, reading):
    assert syllables(sentence)[place(sentence)] == reading
